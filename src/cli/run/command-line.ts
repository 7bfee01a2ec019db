import { InputError } from "../../errors.ts";

/** What follows `--`. @throws InputError nothing does */
export function requiredCommandLine(commandLine: readonly string[] | null): readonly string[] {
  if (commandLine?.[0]) return commandLine;
  throw new InputError("missing the program to run", {
    hint: "name it after --, as in `vsync run prod -- node app.js`",
  });
}
