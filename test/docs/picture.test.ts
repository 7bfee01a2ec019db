import { expect, test } from "vitest";
import { machineOnDisk, NEW, OLD } from "../support/program/machine.ts";

/** The final screen: the last version of each line, with colours and without other sequences. */
function settled(raw: string): string {
  const lines = raw.split("\r\n").map((line) => line.split("\x1b[2K\x1b[G").at(-1) ?? "");
  return lines.join("\n").replace(/\x1b\[[?\d;]*[A-Za-ln-z]/g, "");
}

/**
 * The recording behind docs/rotate-passphrase.svg is what the program shows. After a change of its words, record it again:
 * `npx vitest run test/docs/picture.test.ts --update && npm run generate`.
 */
test("a rotation at a terminal looks as README.md shows it", async () => {
  await using machine = await machineOnDisk();
  const args = ["rotate-passphrase", "--env=prod", "--grace=24h"];
  const env = { ...machine.env, VSYNC_PASSPHRASE: undefined, TERM: "xterm-256color" };
  const session = await machine.sandbox.terminal(args, { env, showStdout: true });
  const answers = [
    ["Old passphrase:", OLD],
    ["New passphrase:", NEW],
    ["Confirm new passphrase:", NEW],
    ["Re-encrypt bundle and push? [y/N]", "y"],
  ] as const;
  for (const [question, answer] of answers) {
    await session.shows(question);
    session.answer(answer);
  }
  const { rawScreen, exitCode } = await session.end();
  expect(exitCode, rawScreen).toBe(0);
  const screen = settled(rawScreen).replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "2026-12-01T09:00:00.000Z");
  await expect(`$ vsync ${args.join(" ")}\n${screen}`).toMatchFileSnapshot(
    "../../scripts/generate/rotate-passphrase.ansi",
  );
});
