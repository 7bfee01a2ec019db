import type { OpenedVault } from "../../vault/open.ts";
import type { Output } from "../terminal/output.ts";
import { encodeDotenv } from "./dotenv-writer.ts";
import type { PlannedFile } from "./pull-plan.ts";

const WHAT_BECAME = { absent: "added", different: "changed", same: "unchanged" } as const;

export function renderPull(
  files: readonly PlannedFile[],
  { manifest }: OpenedVault,
  flags: { readonly json?: boolean },
  output: Output,
): void {
  if (flags.json) {
    const listed = files.map(({ path, state }) => ({ path, state: WHAT_BECAME[state] }));
    output.json({ env: manifest.env, gen: manifest.gen, files: listed });
  }
  const written = files.filter(({ state }) => state !== "same");
  const vault = `${manifest.env} (gen=${manifest.gen})`;
  if (written.length === 0) return output.done(`Nothing to pull: the files here match ${vault}`);
  for (const { path, state } of written) output.say(`  ${state === "absent" ? "+" : "~"} ${path}`);
  output.done(`Pulled ${vault}: ${written.length} of ${files.length} ${files.length === 1 ? "file" : "files"} written`);
}

/** The dotenv file as the result; other files have no place in it. */
export function printDotenv({ manifest, bundle }: OpenedVault, output: Output): void {
  const secrets = bundle.items.filter((item) => item.kind === "secret");
  output.raw(encodeDotenv(secrets, manifest.env));
  const left = bundle.items.length - secrets.length;
  if (left > 0)
    output.warn(`${left === 1 ? "1 file is" : `${left} files are`} not in this: vsync get --raw prints one`);
}
