import { codeOf } from "../../../disk/posix.ts";
import { InputError, OutcomeUnknownError, TokenUndeliveredError } from "../../../errors.ts";
import type { Committed, Proposal } from "../../../vault/commit/proposal.ts";
import type { Manifest } from "../../../vault/format/manifest.ts";
import { type HandOver, handingOver, requireStdout } from "../../delivery/hand-over.ts";
import { isTaken, NewFiles } from "../../delivery/new-files.ts";
import type { Output } from "../../terminal/output.ts";

export type TokenHandOver = HandOver<Manifest>;

/**
 * Commits and hands over. However it ends, a credential that may be live reaches its owner.
 *
 * @param tell the command that shows whether a commit whose response was lost succeeded
 * @returns null if another commit left nothing to do
 * @throws what `commit` and `prepare` throw
 */
export async function commitAndHandOver(
  proposal: Proposal<unknown>,
  handOver: TokenHandOver,
  tell: string,
): Promise<Committed | null> {
  try {
    for await (const step of handingOver(prepared(proposal, handOver), handOver)) {
      if (step.kind === "done") return step.committed;
    }
    return null;
  } catch (error) {
    throw error instanceof OutcomeUnknownError
      ? new OutcomeUnknownError(error.message, { hint: `once the store answers again: ${tell}` })
      : error;
  }
}

async function* prepared(proposal: Proposal<unknown>, handOver: TokenHandOver) {
  for await (const step of proposal.steps()) {
    if (step.kind === "bundle-created") await handOver.prepare(step.manifest);
    yield step;
  }
}

/**
 * Fails early if a token could not be handed over.
 *
 * @throws InputError stdout leads nowhere, or the file exists
 */
export async function requireDeliverable(out: string | undefined): Promise<void> {
  if (out === undefined) requireStdout("token");
  else await requireNew(out);
}

/** Makes the string or JSON to deliver, once the manifest with the token exists. */
export type Delivered = (manifest: Manifest) => string;

/**
 * Prints the text once, after the swap.
 *
 * @param again the command that makes another credential, if this one was lost
 */
export function handOverOnStdout(textOf: Delivered, again: string, output: Output): TokenHandOver {
  let text = "";
  let lost: string | null = null;
  const print = (): void => {
    try {
      output.handOver(text);
    } catch (error) {
      lost = codeOf(error);
    }
  };
  return {
    async prepare(manifest) {
      text = textOf(manifest);
    },
    complete: print,
    confirm() {
      if (lost === null) return;
      throw new TokenUndeliveredError(
        `the token is made, but stdout did not accept it (${lost}), and nobody has it: ${again}`,
      );
    },
    fail(mayBeLive) {
      if (!mayBeLive) return;
      print();
      if (lost === null) output.warn("the token on stdout may be live: keep it until you know");
      else output.warn(`a token that nobody has may be live, because stdout did not accept it (${lost})`);
    },
  };
}

/** A new file of mode 0600 and its future content. */
export interface NewFile {
  readonly path: string;
  readonly textOf: Delivered;
}

/** Writes each text to its new file before the swap. */
export class TokenFiles extends NewFiles<Manifest> {
  readonly #files: readonly NewFile[];

  constructor(files: readonly NewFile[], output: Output) {
    const live = "the token in it may be live";
    super({ taken: (path) => new FileThereError(path), live, dead: "the token in it does not exist" }, output);
    this.#files = files;
  }

  /** An earlier try may have written them for another generation. */
  override async prepare(manifest: Manifest): Promise<void> {
    await this.discard();
    for (const { path, textOf } of this.#files) await this.write(path, textOf(manifest));
  }
}

/**
 * @throws InputError the file exists, or cannot be created
 */
export async function requireNew(path: string): Promise<void> {
  if (await isTaken(path, "token")) throw new FileThereError(path);
}

/** Another run may just have written the file of `--out`. */
export class FileThereError extends InputError {
  readonly path: string;

  constructor(path: string) {
    super(`${path} exists already: a command that was interrupted may have left it`, {
      hint: "if `vsync tokens list` shows no token of today, remove it; otherwise it may hold that token",
    });
    this.path = path;
  }
}
