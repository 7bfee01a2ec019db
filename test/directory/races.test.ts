/** @module-tag process */
import { expect, test } from "vitest";
import { newStore, read, text } from "./fixture.ts";
import { type Answer, type Ask, type StoreProcess, startProcesses } from "./processes.ts";

const PROCESSES = 16;
const ROUNDS = 10;

async function askAll(processes: readonly StoreProcess[], askOf: (index: number) => Ask): Promise<(Answer | null)[]> {
  const startAtMs = Date.now() + 30;
  return Promise.all(processes.map((each, i) => each.ask({ ...askOf(i), startAtMs })));
}

function onlyWinner(answers: readonly (Answer | null)[]): { index: number; version: string } {
  const winners = answers.flatMap((answer, index) =>
    answer && "version" in answer ? [{ index, version: answer.version }] : [],
  );
  const losses = answers.flatMap((answer) => (answer && "error" in answer ? [answer.error] : []));
  expect(losses).toEqual(Array.from({ length: answers.length - 1 }, () => "ConflictError"));
  expect(winners).toHaveLength(1);
  return winners[0] ?? expect.unreachable("no winner");
}

test(`${PROCESSES} processes create one object, then replace one version: one wins, ${ROUNDS} times each`, async () => {
  const { location, store } = await newStore();
  const processes = await startProcesses(PROCESSES, { location });
  for (let round = 1; round <= ROUNDS; round++) {
    const key = `audit/${String(round).padStart(12, "0")}`;
    const answers = await askAll(processes, (i) => ({ operation: "create", key, content: `round ${round}, ${i}` }));
    const { index, version } = onlyWinner(answers);
    expect(await read(store, key)).toBe(`round ${round}, ${index}`);
    expect(await store.head(key)).toBe(version);
  }
  let version = await store.create("manifest", text("before"));
  for (let round = 1; round <= ROUNDS; round++) {
    const of = version;
    const answers = await askAll(processes, (i) => {
      return { operation: "replace", key: "manifest", content: `round ${round}, ${i}`, version: of };
    });
    const winner = onlyWinner(answers);
    expect(await read(store, "manifest")).toBe(`round ${round}, ${winner.index}`);
    version = winner.version;
    expect(await store.head("manifest")).toBe(version);
  }
});

test("8 processes add 1 ten times each: no increment is lost", async () => {
  const { location, store } = await newStore();
  await store.create("manifest", text("0"));
  const processes = await startProcesses(8, { location });
  const answers = await askAll(processes, () => ({ operation: "increment", key: "manifest", times: 10, padding: 0 }));
  for (const answer of answers) expect(answer).toHaveProperty("version");
  expect(await read(store, "manifest")).toBe("80");
});
