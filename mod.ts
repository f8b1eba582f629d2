/**
 * Attention that stays exact while keys, values and queries change.
 *
 * @module
 */
