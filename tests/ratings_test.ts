/**
 * Sparse rows of the kind that people have: who rated what.
 *
 * The table has the shape of a well-known set of film ratings (MovieLens 100K: 943 users, 1682 films; F. M. Harper and
 * J. A. Konstan, The MovieLens Datasets, 2015, https://doi.org/10.1145/2827872) and is drawn anew from a seed: the film
 * of popularity rank r is rated with a probability proportional to 1/(r + 40), so that the popular ones have half of
 * the users and most of the others a handful; users differ in diligence by a factor of 50, and give 1 … 5, the better
 * films more. The user who is like you attends to those who rated a film: keys and values are rows of ratings, the mask
 * is who rated what, and an output is what they would have said.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  admit,
  attend,
  type Attention,
  createAttention,
  CsrMatrix,
  edit,
  outputs,
  restore,
  snapshot,
  softmaxAttention,
  stats,
  topKeys,
  update,
} from "../mod.ts";
import type { Representation } from "../src/matrix/representation.ts";
import { type Random, seeded } from "../src/random.ts";
import { invariant } from "./memory/invariants.ts";
import { sameBits, within } from "./same.ts";
import { pick } from "./scripts.ts";
import { tablesOf, WAYS } from "./sparse.ts";

const USERS = 943, FILMS = 1682;
/** Films asked about: one query each, popular ones and rare ones among them. */
const ASKED = 24;
/** Scores of users who share some 20 films are of the order of 5. */
const SCALE = 1 / 50;

/** Ratings by user: film and number of stars. */
type Ratings = Map<number, number>[];

function drawRatings(random: Random): Ratings {
  const quality = Array.from({ length: FILMS }, () => 3.2 + random.normal());
  return Array.from({ length: USERS }, () => {
    const rated = new Map<number, number>();
    const diligence = 0.05 + random.uniform() ** 4 * 2.5;
    for (let film = 0; film < FILMS; film++) {
      if (random.uniform() >= diligence * 41 / (film + 40)) continue;
      const stars = Math.round(quality[film] + random.normal());
      rated.set(film, Math.min(5, Math.max(1, stars)));
    }
    return rated;
  });
}

function matrixOf(ratings: Ratings): CsrMatrix {
  return CsrMatrix.fromTriples(
    USERS,
    FILMS,
    ratings.flatMap((rated, user) =>
      [...rated].map(([film, stars]): [number, number, number] => [
        user,
        film,
        stars,
      ])
    ),
  );
}

/** Which film each query asks about: every rank, roughly, of the whole range. */
const films = Array.from(
  { length: ASKED },
  (_, query) => Math.round((query / (ASKED - 1)) ** 2 * (FILMS - 1)),
);

/** For each query the users who rated its film. */
function maskOf(ratings: Ratings): CsrMatrix {
  return CsrMatrix.fromTriples(
    ASKED,
    USERS,
    films.flatMap((film, query) =>
      [...ratings.keys()].filter((user) => ratings[user].has(film))
        .map((user): [number, number, number] => [query, user, 1])
    ),
  );
}

/** Bits of outputs against each other, all within their bounds of the definition. */
function compare(
  attentions: readonly Attention[],
  queries: CsrMatrix,
  ratings: Ratings,
): void {
  const matrix = matrixOf(ratings);
  const truth = softmaxAttention(queries, matrix, matrix, {
    scale: SCALE,
    mask: maskOf(ratings),
  });
  let first: Float64Array | undefined;
  for (const a of attentions) {
    const bounds = new Float64Array(ASKED), { data } = outputs(a, { bounds });
    within(data, truth.data, (row) => bounds[row], FILMS, "ratings");
    // 32 bits of at most 5 stars, and nearly nothing else.
    assert(Math.max(...bounds) < 2 ** -29, `${Math.max(...bounds)}`);
    sameBits(data, first ??= data, "ratings");
  }
}

Deno.test("943 users, 1682 films: sparse keys, values and masks give the bits of dense ones while ratings and edges come and go", () => {
  const random = seeded(943), ratings = drawRatings(random);
  const matrix = matrixOf(ratings), { nonZeros } = matrix;
  assert(nonZeros > 60_000 && nonZeros < 90_000, `${nonZeros} ratings`);
  const first = ratings.filter((rated) => rated.has(0)).length;
  const last = ratings.filter((rated) => rated.has(FILMS - 1)).length;
  assert(first > USERS / 3 && last < USERS / 10, `${first}, ${last}`);
  // Each query has the taste of some user.
  const queries = CsrMatrix.fromTriples(
    ASKED,
    FILMS,
    films.flatMap((_, query) =>
      [...ratings[query * 39]].map((
        [film, stars],
      ): [number, number, number] => [
        query,
        film,
        stars - 3,
      ])
    ),
  );
  const make = (representation: Representation) =>
    createAttention({
      keys: matrix,
      values: matrix,
      queries,
      mask: maskOf(ratings),
      scale: SCALE,
      representation,
    });
  const attentions = WAYS.map(make);
  // Nobody has rated half of all films.
  assertEquals(attentions.map((a) => a.representation), [
    "sparse",
    "dense",
    "sparse",
  ]);
  compare(attentions, queries, ratings);
  const before = attentions.map((a) => stats(a));
  for (let round = 1; round <= 6; round++) {
    for (let change = 0; change < 40; change++) {
      // Half of them about the films that are asked about.
      const query = random.integer(ASKED);
      const user = random.integer(USERS), rated = ratings[user];
      const film = random.integer(2) > 0 ? films[query] : random.integer(FILMS);
      const was = rated.get(film) ?? 0;
      const stars = was === 0 || random.integer(2) > 0
        ? 1 + random.integer(5)
        : 0;
      const edits = [[user, film, stars - was]] as [number, number, number][];
      if (stars === 0) rated.delete(film);
      else rated.set(film, stars);
      const asking = [...films.keys()].filter((at) => films[at] === film);
      for (const a of attentions) {
        edit(a, { keys: edits, values: edits });
        if ((was === 0) !== (stars === 0)) {
          const pairs = asking.map((at): [number, number] => [at, user]);
          admit(a, pairs, stars > 0);
        }
      }
    }
    // A user starts anew.
    const user = random.integer(USERS);
    for (const [film] of ratings[user]) {
      const asking = films.flatMap((asked, at) => asked === film ? [at] : []);
      for (const a of attentions) {
        admit(a, asking.map((at): [number, number] => [at, user]), false);
      }
    }
    ratings[user] = new Map([[1600 + round, 5]]);
    const row = CsrMatrix.fromTriples(1, FILMS, [[0, 1600 + round, 5]]);
    for (const a of attentions) update(a, user, { keys: row, values: row });
    if (round % 2 === 0) compare(attentions, queries, ratings);
    else {
      const ids = [pick(random, [...films.keys()])];
      const { data } = outputs(attentions[1], { ids });
      for (const a of attentions) {
        sameBits(outputs(a, { ids }).data, data, "one");
      }
    }
    invariant(attentions[0]);
  }
  const [auto, dense, sparse] = attentions;
  const work = attentions.map((a, at) =>
    stats(a).multiplyAdds - before[at].multiplyAdds
  );
  // Besides the quotients, which cost as much for each.
  const quotients = 3 * ASKED * (FILMS + 1);
  assert(work[0] - quotients < (work[1] - quotients) / 5, `${work}`);
  const tables = tablesOf(snapshot(dense));
  for (const a of [auto, sparse]) {
    assertEquals(tablesOf(snapshot(a)), tables);
  }
  compare(
    WAYS.map((representation) => restore(snapshot(auto), { representation })),
    queries,
    ratings,
  );
  // Nobody's taste in particular, asked of all users.
  const guest = queries.slice(3, 4), filter = () => true;
  const { data } = attend(dense, guest, { filter });
  for (const a of [auto, sparse]) {
    sameBits(attend(a, guest, { filter }).data, data, "a guest");
    assertEquals(
      topKeys(a, guest, 5, { filter }),
      topKeys(dense, guest, 5, {
        filter,
      }),
    );
  }
});
