import type { ObjectStore } from "../../ports.ts";
import type { Target } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import type { Initialized } from "./init-vault.ts";

export function renderInit(result: Initialized, { env }: Target, store: ObjectStore, output: Output): void {
  switch (result.kind) {
    case "created":
      output.done(`Vault for ${env} set up at ${store.label}`);
      output.done(`Passphrase set: it is stored nowhere, and without it the vault does not open`);
      break;
    case "joined":
      output.done(`Joined the vault for ${env} at ${store.label} (gen=${result.gen})`);
      if (result.readOnlyUntil !== null)
        output.warn(`this passphrase was rotated away: ${limitOf(result.readOnlyUntil)}`);
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
  output.say(`next: ${nextOf(result, env)}`);
}

function limitOf(until: string): string {
  return `it reads until ${until}, and pushing takes the new one`;
}

function nextOf({ kind }: Initialized, env: string): string {
  if (kind === "created") return `vsync push ${env}`;
  return kind === "outdated" ? `vsync init --env=${env}, with the new passphrase` : `vsync status ${env}`;
}
