import { codeOf } from "../../disk/posix.ts";
import { ConflictError, InputError, ManifestNotFoundError } from "../../errors.ts";
import { MAX_BUNDLE_BYTES } from "../../vault/format/limits.ts";
import type { NamedData } from "../../vault/items/changes.ts";
import { isEmpty } from "../../vault/items/changes.ts";
import { type FileBase, openBase } from "../../vault/items/file-base.ts";
import { mergeItems } from "../../vault/items/merge.ts";
import { proposePush } from "../../vault/items/push.ts";
import { type OpenedVault, openVault } from "../../vault/open/open.ts";
import type { LocalConfig } from "../config/local-config.ts";
import { vaultArgs, vaultFlags } from "../config/target.ts";
import type { SecretSources } from "../inputs/secret-input.ts";
import { type DotenvFile, parseDotenv } from "../items/dotenv/dotenv.ts";
import { fitsDotenv, writeDotenv } from "../items/dotenv/dotenv-writer.ts";
import { settleDoubts } from "../items/dotenv/doubts.ts";
import { findBase, headerOf } from "../items/file-base.ts";
import { beforeRemoving, commitChanges, type Outcome } from "../items/proposed-changes.ts";
import { type Settled, settledBy, unsettled } from "../items/pull/merge.ts";
import { OlderPassphrases } from "../session/older-passphrases.ts";
import type { Session } from "../session/session.ts";
import { type ConsentFlags } from "../terminal/consent.ts";
import { type Editor, findEditor, runEditor } from "./editor.ts";
import { findWorkspace, makeWorkspace, TextGoneError, unfinished, type Workspace } from "./workspace.ts";

export interface EditFlags extends ConsentFlags, Settled {
  readonly resume?: boolean;
  readonly discard?: boolean;
  readonly "then-passphrase-file"?: string | undefined;
}

/**
 * @throws InputError no unfinished edit exists
 */
export async function discardEdit(config: LocalConfig, { variables, output }: SecretSources): Promise<void> {
  const workspace = await findWorkspace(config, variables);
  if (workspace === null) throw nothingLeft(config);
  await workspace.remove();
  output.done(`Dropped the edit of ${config.repo}/${config.env}`);
}

/**
 * Opens the secrets in the user's editor and commits the changes, merged with what others commit in the meantime. The
 * file is removed once its content is in the vault. After a failure it stays, even if vsync is killed.
 *
 * @throws InputError no editor is set, it fails, or the text is not a dotenv file and the user does not go back to it
 * @throws ConflictError both sides changed a name differently, and no flag settles it
 */
export async function editVault(session: Session, flags: EditFlags, sources: SecretSources): Promise<Outcome> {
  const { config } = session;
  const editor = findEditor(sources.variables);
  const workspace = await openWorkspace(session, flags, sources);
  if (editor.keepsCopies !== null)
    sources.output.warn(
      `${editor.keepsCopies} keeps its own copies of what you edit; nano and vim, as vsync starts them, do not`,
    );
  const edit = `vsync edit ${vaultArgs(config)}`;
  const removeText = () =>
    workspace.remove().catch((error: unknown) => {
      sources.output.warn(`${workspace.path} could not be removed (${codeOf(error)}): ${edit} --discard removes it`);
    });
  try {
    const outcome = await editUntilCommitted(session, { editor, workspace }, flags, sources);
    await removeText();
    return outcome;
  } catch (error) {
    if (await isUntouched(workspace).catch(() => error instanceof TextGoneError)) await removeText();
    else
      sources.output.warn(`what you wrote stays in ${workspace.path}: ${edit} --resume resumes it, --discard drops it`);
    throw error;
  }
}

async function openWorkspace(session: Session, flags: EditFlags, sources: SecretSources): Promise<Workspace> {
  const { config } = session;
  const left = await findWorkspace(config, sources.variables);
  if (left !== null && flags.resume) return left;
  if (left !== null) throw unfinished(left, config);
  if (flags.resume) throw nothingLeft(config);
  const vault = await openHead(session);
  const header = vault === null ? "" : `${headerOf(vault.manifest)}\n`;
  const text = textOf(config, vault?.bundle.items ?? []);
  return makeWorkspace(config, { text, header }, flags, sources);
}

function nothingLeft(config: LocalConfig): InputError {
  return new InputError(`no edit of ${config.repo}/${config.env} is unfinished`, {
    hint: `vsync edit ${vaultArgs(config)} starts one`,
  });
}

/** The newest generation; null before the first push. */
async function openHead({ ports, request, identity }: Session): Promise<OpenedVault | null> {
  try {
    return await openVault(ports, request);
  } catch (error) {
    if (error instanceof ManifestNotFoundError && identity.seenGen === 0) return null;
    throw error;
  }
}

function textOf({ repo, env }: { readonly repo: string; readonly env: string }, items: readonly NamedData[]): Buffer {
  const secrets = items.filter(({ kind }) => kind === "secret");
  const { bytes, left } = writeDotenv(secrets);
  const files = items.filter(({ kind }) => kind === "file");
  const comments = [
    ...left.map(({ name }) => `# ${name}: no quoting keeps its value here; it stays as it is`),
    ...files.map(({ name }) => `# file ${name}: stays as it is`),
  ];
  const head = `# ${repo}/${env}: save and leave to commit; a removed line removes its secret\n`;
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from(comments.map((line) => `${line}\n`).join(""))]);
}

async function isUntouched(workspace: Workspace): Promise<boolean> {
  return workspace.original !== null && Buffer.compare(workspace.original, await workspace.read()) === 0;
}

interface Edit {
  readonly editor: Editor;
  readonly workspace: Workspace;
}

async function editUntilCommitted(
  session: Session,
  { editor, workspace }: Edit,
  flags: EditFlags,
  sources: SecretSources,
): Promise<Outcome> {
  using older = new OlderPassphrases(flags["then-passphrase-file"], sources);
  const from = await findBase({ path: null, bytes: await workspace.base() }, session.config.vault);
  const { entries, doubts } = await editUntilReadable(editor, workspace, sources);
  const secrets = entries.map(({ name, value }) => ({ name, kind: "secret", data: value }) as const);
  let overtakenAt: number | null = null;
  for (;;) {
    const head = await openHead(session);
    const items = head === null ? secrets : await mergedInto(head, { secrets, from, older }, session, flags);
    const base = head && { from: baseOf(head), olderHolder: older.holderOf };
    const request = { ...session.request, identity: session.identity, items, base };
    using proposal = await proposePush(session.ports, request);
    const { plan } = proposal;
    // Somebody has committed since the merge, so merge that too.
    if (plan.stale !== null || (head === null) !== (plan.head === null)) continue;
    if (isEmpty(plan.changes)) return { config: session.config, plan, committed: null };
    settleDoubts({ items: secrets, doubts }, plan.changes, {}, sources.output);
    const single = `to change one secret, vsync set ${vaultFlags(session.config)} <name>`;
    try {
      const committed = await commitChanges(proposal, beforeRemoving(session.config, single), flags, sources);
      return { config: session.config, plan, committed };
    } catch (error) {
      // Somebody was faster, so merge that, too. At the same generation again, the store is at fault.
      if (!(error instanceof ConflictError) || plan.gen === overtakenAt) throw error;
      overtakenAt = plan.gen;
    }
  }
}

/** Sends text that does not parse back to the editor, as long as the user agrees. */
async function editUntilReadable(
  editor: Editor,
  workspace: Workspace,
  { variables, prompter, output }: SecretSources,
): Promise<DotenvFile> {
  for (;;) {
    await runEditor(editor, workspace.path, { variables, prompter });
    try {
      const bytes = await workspace.read();
      if (bytes.length > MAX_BUNDLE_BYTES)
        throw new InputError("your text is larger than any vault", { hint: "store large files elsewhere" });
      const file = parseDotenv(bytes, "your text");
      for (const warning of file.warnings) output.warn(warning);
      return file;
    } catch (error) {
      if (!(error instanceof InputError) || !prompter.isInteractive) throw error;
      output.warn(`${error.message}: ${error.hint}`);
      if (!(await prompter.confirm("Back to the editor?"))) throw error;
    }
  }
}

const baseOf = ({ manifest }: OpenedVault): FileBase => ({
  gen: manifest.gen,
  origin: { vault: manifest.vault, digest: manifest.bundle.sha256, name: `${manifest.repo} ${manifest.env}` },
});

/** The newest generation plus the changes of the edit. Items that a dotenv file cannot show stay as they are. */
async function mergedInto(
  head: OpenedVault,
  { secrets, from, older }: MergeSources,
  { ports, request }: Session,
  flags: Settled,
): Promise<readonly NamedData[]> {
  const opened = from && (await openBase(ports, head, { ...request, base: from, olderHolder: older.holderOf }));
  const base = from === null ? [] : opened?.kind === "opened" ? opened.items : null;
  const theirs = head.bundle.items;
  const typed = new Set(secrets.map(({ name }) => name));
  const hidden = (base ?? theirs).filter((item) => !fitsDotenv(item) && !typed.has(item.name));
  const ours = [...hidden, ...secrets];
  const { items, conflicts } = mergeItems({ base, ours, theirs, settled: settledBy(flags, [...ours, ...theirs]) });
  if (conflicts.length > 0) throw unsettled(conflicts, opened, { env: head.manifest.env, to: "your text" });
  return items;
}

interface MergeSources {
  readonly secrets: readonly NamedData[];
  /** Null if the edit began before the first push. */
  readonly from: FileBase | null;
  readonly older: OlderPassphrases;
}
