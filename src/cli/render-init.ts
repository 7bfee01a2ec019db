import type { ObjectStore } from "../vault/ports.ts";
import type { Initialized } from "./init-vault.ts";
import type { Output } from "./output.ts";
import type { Target } from "./target.ts";

export function renderInit(result: Initialized, { env }: Target, store: ObjectStore, output: Output): void {
  switch (result.kind) {
    case "created":
      output.done(`Vault for ${env} set up at ${store.label}`);
      output.done(`Passphrase set: it is stored nowhere, and without it the vault does not open`);
      break;
    case "joined":
      output.done(`Joined the vault for ${env} at ${store.label} (gen=${result.gen})`);
      break;
    case "kept":
      output.done(`Config for ${env} written; vault and passphrase are the same`);
      break;
    default:
      result satisfies never;
  }
  output.done(`Config written to ${result.path}`);
  output.say(result.kind === "created" ? `next: vsync push ${env}` : `next: vsync status ${env}`);
}
