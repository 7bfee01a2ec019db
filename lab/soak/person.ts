import assert from "node:assert/strict";
import { Secret } from "../../src/crypto/secret.ts";
import type { Committed } from "../../src/vault/commit/commit.ts";
import type { Annotation } from "../../src/vault/commit/draft.ts";
import { finishRotation } from "../../src/vault/finish.ts";
import { collectGarbage } from "../../src/vault/gc.ts";
import { reconcileAudit } from "../../src/vault/reconcile.ts";
import { restoreGeneration } from "../../src/vault/restore.ts";
import { setItems, unsetItems } from "../../src/vault/set.ts";
import {
  amendRequest,
  committedBy,
  type Machine,
  open,
  push,
  rotate,
  type Secrets,
  secretItems,
  secretsOf,
} from "../../test/vault/fixture.ts";
import type { Command } from "./model.ts";

/** What a reader saw. */
export interface Seen {
  readonly gen: number;
  readonly secrets: Secrets;
}

export interface Done {
  readonly committed: Committed | null;
  readonly seen: Seen | null;
}

/** Gives a command as a person at a machine does; `id` goes into the note, so that the audit log tells who committed what. */
export async function give(machine: Machine, command: Command, passphrase: string, id: string): Promise<Done> {
  if (command.kind === "open") return { committed: null, seen: await look(machine, passphrase) };
  return { committed: await commit(machine, command, passphrase, id), seen: null };
}

async function look(machine: Machine, passphrase: string): Promise<Seen> {
  const { manifest, bundle } = await open(machine, passphrase);
  return { gen: manifest.gen, secrets: secretsOf(bundle.items) };
}

async function commit(
  machine: Machine,
  command: Exclude<Command, { kind: "open" }>,
  passphrase: string,
  id: string,
): Promise<Committed | null> {
  const annotation: Annotation = { actor: { user: id, host: "soak", tool: "vsync/test" }, note: id };
  const request = { ...amendRequest(passphrase), annotation };
  switch (command.kind) {
    case "push": {
      const result = await push(machine, passphrase, command.secrets, { annotation });
      return result.kind === "pushed" ? committedBy(result) : null;
    }
    case "set":
      return (await setItems(machine, request, secretItems(command.secrets))).committed;
    case "unset":
      return (await unsetItems(machine, request, command.names)).committed;
    case "rotate": {
      const grace = command.graceMs === undefined ? {} : { graceMs: command.graceMs };
      return (await rotate(machine, passphrase, command.to, { ...grace, annotation })).committed;
    }
    case "finish":
      return (await finishRotation(machine, request))?.committed ?? null;
    case "restore": {
      const passphraseThen = Secret.ofText(command.passphraseThen);
      const past = { gen: command.gen, passphraseThen };
      return (await restoreGeneration(machine, { ...request, ...past, confirm: async () => true })).committed;
    }
    case "gc": {
      const { keep } = command;
      const bounds = { keep, olderThanMs: 0 };
      return (await collectGarbage(machine, { ...request, ...bounds, confirm: async () => true })).committed;
    }
    case "reconcile":
      await reconcileAudit(machine, request);
      return null;
    default:
      return assert.fail(command satisfies never);
  }
}
