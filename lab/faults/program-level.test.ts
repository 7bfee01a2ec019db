import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openSandbox, type Transcript } from "../../test/support/program/sandbox.ts";
import { startStrictS3 } from "../../test/support/strict-s3/server.ts";
import type { Lane } from "./campaign/lanes.ts";
import { clockTrial, requestTrials } from "./campaign/program.ts";
import { type ProgramOperation, programOperations } from "./campaign/program-operations.ts";
import { endingOfTranscript } from "./campaign/transcript-ending.ts";
import { Tally } from "./campaign/trial.ts";

vi.mock("../../src/crypto/argon2id.ts", async (importActual) => {
  const { derivingOnce } = await import("./derive-once.ts");
  return derivingOnce(await importActual());
});

async function laneOfTest(): Promise<Lane> {
  const lane = { server: await startStrictS3(), sandbox: await openSandbox() };
  onTestFinished(async () => {
    await lane.server.close();
    await lane.sandbox[Symbol.asyncDispose]();
  });
  return lane;
}

async function operationOf(name: string): Promise<ProgramOperation> {
  return (await programOperations()).find((operation) => operation.name === name) ?? expect.unreachable();
}

describe("a sample of the level `program` of `npm run faults`", () => {
  test("requests of a set", async () => {
    const lane = await laneOfTest();
    const tally = new Tally();
    const { busy } = await requestTrials(await operationOf("set"), lane, { each: 11, from: 5 });
    for (const [number, trial] of busy.entries()) if (number % 2 === 1) await tally.add(trial(lane), number);
    expect(tally.failures).toEqual([]);
    expect(tally.injected).toBeGreaterThan(6);
  });

  test("requests of a token rotation, which never loses a new credential", async () => {
    const lane = await laneOfTest();
    const tally = new Tally();
    const { busy } = await requestTrials(await operationOf("tokens rotate"), lane, { each: 11, from: 5 });
    for (const [number, trial] of busy.entries()) if (number % 3 === 1) await tally.add(trial(lane), number);
    expect(tally.failures).toEqual([]);
    expect(tally.injected).toBeGreaterThan(4);
  });

  test("a rotation, after the clock has jumped back by ten years", async () => {
    const lane = await laneOfTest();
    const tally = new Tally();
    const aheadMs = 10 * 365 * 86_400_000;
    const rotate = (await programOperations(aheadMs)).find(({ name }) => name === "rotate with grace");
    await tally.add(clockTrial(rotate ?? expect.unreachable(), aheadMs)(lane), 0);
    expect(tally.failures).toEqual([]);
    expect(tally.rows).toMatchObject([{ fault: "clock jumps back", new: 1, done: 1 }]);
  });
});

describe("the level reports", () => {
  const PUSH = { args: ["push", "prod"] };
  const ROTATE = { args: ["rotate-passphrase", "--env=prod"] };
  const REFUSED: Transcript = { stdout: "", stderr: "vsync: error: cannot read it\nvsync: hint: wait\n", exitCode: 3 };
  const OUTSTANDING = "vsync: warning: generation 2 is committed, its audit row is not written (403): run it\n";

  test.each<[string, Pick<ProgramOperation, "args" | "stdout">, Partial<Transcript>, string]>([
    ["none: it was refused, with the documented code", PUSH, {}, "refused"],
    ["none: it is done", PUSH, { exitCode: 0, stderr: "✓ done\n" }, "done"],
    ["none: its row is outstanding, and it says so", PUSH, { exitCode: 0, stderr: OUTSTANDING }, "outstanding"],
    ["none: it was killed", PUSH, { exitCode: null, stderr: "" }, "nothing"],
    ["another code than the documented one", PUSH, { exitCode: 2 }, "crashed"],
    ["1, which is for input", ROTATE, { exitCode: 1 }, "crashed"],
    ["0, and a rotation's row is outstanding", ROTATE, { exitCode: 0, stderr: OUTSTANDING, stdout: "" }, "crashed"],
    ["a value on stderr", PUSH, { stderr: `${REFUSED.stderr}planted-value-of-a` }, "crashed"],
    ["the access key's secret", PUSH, { exitCode: 0, stderr: "as root/secret+key\n" }, "crashed"],
    ["a failure with something on stdout", PUSH, { stdout: "v=1\n" }, "crashed"],
    ["a failure that says nothing", PUSH, { stderr: "" }, "crashed"],
    ["a fault of the program itself", PUSH, { stderr: "vsync: error: unexpected: TypeError\n" }, "crashed"],
    ["another result than the one that was asked for", { ...PUSH, stdout: /^1\n$/ }, { exitCode: 0 }, "crashed"],
  ])("%s", (_, operation, transcript, said) => {
    expect(endingOfTranscript(operation, { ...REFUSED, ...transcript }, [3])).toMatchObject({ said });
  });
});
