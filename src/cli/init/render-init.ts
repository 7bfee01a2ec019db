import type { ObjectStore } from "../../ports.ts";
import { type Target, vaultArgs, vaultFlags } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import type { Initialized } from "./init-vault.ts";

export function renderInit(
  result: Exclude<Initialized, { kind: "skipped" }>,
  target: Target,
  { store, written }: { readonly store: ObjectStore; readonly written: string | null },
  output: Output,
): void {
  const { env } = target;
  switch (result.kind) {
    case "created":
      output.done(`Vault for ${env} set up at ${store.label}`);
      output.done("Passphrase set: it is stored nowhere, and without it the vault does not open");
      output.say("put it into your password manager now: colleagues need it to join");
      break;
    case "joined":
      output.done(`Joined the vault for ${env} at ${store.label} (gen=${result.gen})`);
      if (result.readOnlyUntil !== null)
        output.warn(
          `this passphrase was rotated away: it reads until ${result.readOnlyUntil}, and only the new one pushes`,
        );
      break;
    case "kept":
      output.done(`Config for ${env} written; vault and passphrase are the same`);
      break;
    case "outdated":
      output.done(`Config for ${env} written; vault and passphrase are the same`);
      output.warn(
        `the passphrase was rotated on ${result.rotatedAt}: the one that this machine knows can no longer write`,
      );
      break;
    default:
      result satisfies never;
  }
  output.done(`Config written to ${result.path}`);
  if (written !== null) output.done(`Wrote ${written}: commit it for your colleagues, it holds no credential`);
  output.say(`next: ${nextOf(result, target)}`);
}

function nextOf({ kind }: Initialized, target: Target): string {
  if (kind === "created") return `vsync push ${vaultArgs(target)}`;
  if (kind === "outdated") return `vsync init ${vaultFlags(target)}, with the new passphrase`;
  if (kind === "kept") return `vsync status ${vaultArgs(target)}`;
  return `vsync run ${vaultArgs(target)} -- <program>, or vsync pull ${vaultArgs(target)}`;
}
