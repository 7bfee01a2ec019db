import { isUtf8 } from "node:buffer";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { Secret } from "../../crypto/secret.ts";
import { trimSecret } from "../../disk/given-file.ts";
import { InputError } from "../../errors.ts";

const MAX_OUTPUT_BYTES = 64 * 1024;
const TIMEOUT_MS = 120_000;

interface CommandInput {
  readonly what: string;
  /** The variable that holds the command. */
  readonly command?: string;
  readonly vault?: { readonly repo: string; readonly env: string };
}

/**
 * Reads a secret that a shell command prints: `pass show vsync/prod`, `op read …`. The command may only come from the
 * environment, never from a file in somebody else's repository. Null if the variable is unset.
 *
 * @throws InputError it fails, prints nothing or too much, or takes longer than two minutes
 */
export async function readFromCommand(
  input: CommandInput,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<Secret | null> {
  const { command: variable = "", what, vault } = input;
  const command = variables[variable];
  if (!command) return null;
  const { bytes, end } = await outputOf(command, { ...withoutOurs(variables), ...namesOf(vault) });
  const fault = end ?? faultOf(trimSecret(bytes));
  if (fault === null) return Secret.ofBytes(trimSecret(bytes));
  throw new InputError(`${variable}, which should print ${what}, ${fault}`, {
    hint: 'run it by itself, as in sh -c "$VSYNC_PASSPHRASE_COMMAND"; its stderr is shown above',
  });
}

function faultOf(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return "printed nothing";
  return isUtf8(bytes) ? null : "printed something that is not UTF-8 text";
}

/** The command does not see our secrets, and cannot call itself. */
function withoutOurs(variables: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith("VSYNC_")));
}

/** Leaves out names that a program could take for a flag or a hidden file. */
function namesOf(vault: CommandInput["vault"]): NodeJS.ProcessEnv {
  const names = { VSYNC_REPO: vault?.repo ?? "", VSYNC_ENV: vault?.env ?? "" };
  return Object.fromEntries(Object.entries(names).filter(([, name]) => /^[^-.]/.test(name)));
}

interface CommandOutput {
  readonly bytes: Uint8Array;
  /** How it failed, as the end of a message; null if it succeeded. */
  readonly end: string | null;
}

async function outputOf(command: string, env: NodeJS.ProcessEnv): Promise<CommandOutput> {
  const child = spawn("/bin/sh", ["-c", command], { env, stdio: ["ignore", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    const finish = (end: string | null): void => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      // The command may have left a background program that keeps the pipe open.
      child.stdout.destroy();
      resolve({ bytes: Buffer.concat(chunks), end });
    };
    const timer = setTimeout(() => finish("did not end within two minutes"), TIMEOUT_MS);
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_OUTPUT_BYTES) finish(`printed more than ${MAX_OUTPUT_BYTES} bytes`);
    });
    child.once("error", (error) => finish(`cannot be started (${error.message})`));
    child.once("close", (code, signal) => finish(code === 0 ? null : `ended with ${endOf(code, signal)}`));
  });
}

function endOf(code: number | null, signal: NodeJS.Signals | null): string {
  return `exit code ${code ?? 128 + (signal === null ? 0 : constants.signals[signal])}`;
}
