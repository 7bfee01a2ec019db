import { expect, test } from "vitest";
import { arg, Flags, JSON_FLAG, requiredArg } from "../../../src/cli/command/flags.ts";
import { type Declaration, parseArgv } from "../../../src/cli/command/parse-argv.ts";

const SHOW: Declaration = {
  id: "show",
  takesCommandLine: false,
  args: { key: requiredArg("a key"), other: arg("another") },
  flags: {
    ...JSON_FLAG,
    count: Flags.integer({ min: 1, max: 9 }),
    role: Flags.option({ options: ["reader", "operator"] as const })(),
    token: Flags.string({ exclusive: ["ambient"] }),
    ambient: Flags.boolean(),
    salt: Flags.string({ dependsOn: ["token"] }),
    meta: Flags.string({ multiple: true }),
  },
};
const NEED: Declaration = {
  id: "audit:need",
  takesCommandLine: false,
  args: {},
  flags: { needed: Flags.string({ required: true }) },
};
const CHOOSE: Declaration = {
  ...NEED,
  flags: { role: Flags.option({ options: ["a", "b"] as const, required: true })() },
};
const HAND: Declaration = { id: "hand", takesCommandLine: true, args: { env: arg("env") }, flags: JSON_FLAG };
const words = (line: string): string[] => line.split(" ").filter(Boolean);

const help = "see vsync show --help";
const usage = "usage: vsync show KEY [OTHER] [flags]";
test.each<[Declaration, string, string, string]>([
  [SHOW, "", "missing KEY", usage],
  [SHOW, "a b hunter2", "1 argument too many", usage],
  [SHOW, "a b hunter2 hunter3", "2 arguments too many", usage],
  [{ ...SHOW, usage: "show KEY… [flags]" }, "", "missing KEY", "usage: vsync show KEY… [flags]"],
  [SHOW, "a --tokne=hunter2", "unknown flag --tokne", "did you mean --token?"],
  [SHOW, "a --tokne hunter2", "unknown flag --tokne", "did you mean --token?"],
  [SHOW, "a --hunter2/=x", "unknown flag", help],
  [SHOW, "a --count=hunter2", "--count must be an integer", help],
  [SHOW, "a --count=12", "--count must be an integer less than or equal to 9", help],
  [SHOW, "a --role=hunter2", "--role must be one of reader, operator", help],
  [SHOW, "a --token=hunter2 --ambient", "--token cannot be used together with --ambient", help],
  [SHOW, "a --salt=hunter2", "--salt needs --token", help],
  [SHOW, "a --token", "--token expects a value", help],
  [SHOW, "a --token=hunter2 --token=hunter3", "--token can only be specified once", help],
  [NEED, "", "missing --needed", "see vsync audit need --help"],
  [CHOOSE, "", "missing --role", "give --role= one of a, b"],
])("complains without quoting a value: $1 %s", async (declaration, line, message, hint) => {
  await expect(parseArgv(words(line), declaration)).rejects.toMatchObject({ code: "INPUT", message, hint });
});

test.each([
  ["prod node --port=hunter2", "vsync hand prod -- node …"],
  ["--json prod env", "vsync hand --json prod -- env"],
])("points out the missing -- before a program: %s", async (line, command) => {
  const message = "the program to run comes after --";
  const hint = `put -- before the program: ${command}`;
  await expect(parseArgv(words(line), HAND)).rejects.toMatchObject({ code: "INPUT", message, hint });
});

test("a flag that may repeat takes one value at a time", async () => {
  expect(await parseArgv(words("--meta a=1 key --meta=b=2 --meta c=3 other"), SHOW)).toMatchObject({
    args: { key: "key", other: "other" },
    flags: { meta: ["a=1", "b=2", "c=3"] },
  });
});

test("passes the words after -- on unchanged, if the command runs another program", async () => {
  const { args, commandLine } = await parseArgv(words("-- prod --env=x -- -y"), HAND);
  expect({ args, commandLine }).toEqual({ args: {}, commandLine: ["prod", "--env=x", "--", "-y"] });
  expect(await parseArgv(words("prod"), HAND)).toMatchObject({ args: { env: "prod" }, commandLine: null });
});
