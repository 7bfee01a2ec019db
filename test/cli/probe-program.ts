/** A program made of the command line's own parts, with commands for the tests of those parts. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BaseCommand, type Invocation } from "../../src/cli/command/base-command.ts";
import { arg, ENV_ARG, Flags, JSON_FLAG, requiredArg } from "../../src/cli/command/flags.ts";
import { PASSPHRASE, readSecret } from "../../src/cli/inputs/secret-input.ts";
import { runProgram } from "../../src/cli/program/program.ts";
import * as errors from "../../src/errors.ts";
import { ROTATE_EXIT_CODES } from "../../src/exit-codes.ts";

/** Throws the error of the given code, with a message that tries to act on the terminal. */
class Fail extends BaseCommand {
  static override flags = { hint: Flags.string(), rest: Flags.string(), ...JSON_FLAG };
  static override args = { code: arg("code of the error") };

  protected override async execute({ args, flags }: Invocation<typeof Fail>): Promise<void> {
    for (const it of Object.values(errors)) {
      if (!isErrorClass(it)) continue;
      const error = new it(`something\u001b[31m failed\nvsync: error: forged`, flags.hint ? { hint: flags.hint } : {});
      if (error.code === args.code) throw error;
    }
    throw new RangeError(args.code ?? "no code");
  }
}

type ErrorClass = new (message: string, details: errors.ErrorDetails) => errors.VsyncError;

function isErrorClass(it: unknown): it is ErrorClass {
  return typeof it === "function" && it.prototype instanceof errors.VsyncError && it !== errors.AuditBrokenError;
}

class FailRotating extends Fail {
  static override exitCodes = ROTATE_EXIT_CODES;
}

/** Prints the parsed command line. */
class Show extends BaseCommand {
  static override args = { key: requiredArg("a key"), other: arg("another") };
  static override flags = JSON_FLAG;

  protected override async execute({ args, flags }: Invocation<typeof Show>): Promise<void> {
    this.output.json({ args, flags });
  }
}

class Hand extends BaseCommand {
  static override takesCommandLine = true;
  static override args = ENV_ARG;

  protected override async execute({ commandLine }: Invocation<typeof Hand>): Promise<void> {
    this.output.json({ commandLine });
  }
}

/** Reads a passphrase and prints its length; with `--wait`, it says whether the terminal echoes, and stays there. */
class Ask extends BaseCommand {
  static override flags = { wait: Flags.boolean() };

  protected override async execute({ flags }: Invocation<typeof Ask>): Promise<void> {
    const secret = await readSecret(PASSPHRASE, undefined, this.sources);
    if (flags.wait) {
      const modes = execFileSync("/bin/sh", ["-c", "stty -a </dev/tty"], { encoding: "utf8" });
      this.output.say(/ echo /.test(modes) ? "echoes" : "echoes nothing");
      await new Promise((resolve) => setTimeout(resolve, 2 ** 30));
    }
    this.output.line(JSON.stringify({ secret, bytes: secret.expose().length, text: secret.exposeText() }));
  }
}

class Confirm extends BaseCommand {
  protected override async execute(): Promise<void> {
    const name = await this.prompter.text({
      message: "Name:",
      default: "api",
      check: (it) => (it === "x" ? "too short" : null),
    });
    const store = await this.prompter.choose("Store:", [
      { name: "local", value: "file" },
      { name: "bucket", value: "s3" },
    ]);
    const sure = await this.prompter.confirm("Re-encrypt bundle and push?");
    this.output.json({ name, store, sure });
  }
}

/** Writes to every stream, in every way. */
class Write extends BaseCommand {
  static override flags = { lines: Flags.integer({ default: 1 }), raw: Flags.boolean() };

  protected override async execute({ flags }: Invocation<typeof Write>): Promise<void> {
    for (let line = 0; line < flags.lines; line++) this.output.line(`line ${line} \u001b]0;title\u0007\u202e`);
    if (flags.raw) this.output.raw("raw \u001b[0m");
    this.output.say("on it");
    this.output.done("done");
    this.output.warn("careful");
  }
}

/** Never ends; with `--for-nothing`, the process has nothing left to wait for. */
class Wait extends BaseCommand {
  static override flags = { "for-nothing": Flags.boolean() };

  protected override async execute({ flags }: Invocation<typeof Wait>): Promise<void> {
    this.output.line("waiting");
    await new Promise((resolve) => flags["for-nothing"] || setTimeout(resolve, 2 ** 30));
  }
}

const pjson = JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "package.json"), "utf8"));

void runProgram(process.argv.slice(2), {
  pjson,
  commands: {
    PROBE: {
      ask: async () => Ask,
      confirm: async () => Confirm,
      fail: async () => Fail,
      "fail-rotating": async () => FailRotating,
      hand: async () => Hand,
      show: async () => Show,
      wait: async () => Wait,
      write: async () => Write,
    },
  },
});
