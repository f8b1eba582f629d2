// The declarations of those functions of @std/assert that our tests and examples use; the npm mirror ships none.
export class AssertionError extends Error {}
export function assert(condition: unknown, message?: string): asserts condition;
export function assertFalse(condition: unknown, message?: string): void;
export function assertEquals<T>(actual: T, expected: T, message?: string): void;
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, message?: string): void;
export function assertArrayIncludes<T>(actual: ArrayLike<T>, expected: ArrayLike<T>, message?: string): void;
export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
export function assertGreater<T>(actual: T, expected: T, message?: string): void;
export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
export function assertLess<T>(actual: T, expected: T, message?: string): void;
export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
export function assertInstanceOf<T>(actual: unknown, expected: abstract new (...args: never[]) => T, message?: string): asserts actual is T;
export function assertMatch(actual: string, expected: RegExp, message?: string): void;
export function assertStringIncludes(actual: string, expected: string, message?: string): void;
export function assertThrows(body: () => unknown): unknown;
export function assertThrows<E extends Error>(
  body: () => unknown,
  expected: abstract new (...args: never[]) => E,
  includes?: string,
  message?: string,
): E;
export function assertRejects(body: () => PromiseLike<unknown>): Promise<unknown>;
export function assertRejects<E extends Error>(
  body: () => PromiseLike<unknown>,
  expected: abstract new (...args: never[]) => E,
  includes?: string,
  message?: string,
): Promise<E>;
export function fail(message?: string): never;
