import assert from "node:assert/strict";
import type { Committed } from "../../src/vault/commit/proposal.ts";
import { type Machine, type Secrets, secretsOf } from "../../test/support/world.ts";
import type { Command } from "./model.ts";

/** The vault that a reader saw. */
export interface Seen {
  readonly gen: number;
  readonly secrets: Secrets;
}

export interface Done {
  readonly committed: Committed | null;
  readonly seen: Seen | null;
}

/** Runs a command like a person at a machine. `id` goes into the note and identifies the commit in the audit log. */
export async function give(machine: Machine, command: Command, passphrase: string, id: string): Promise<Done> {
  if (command.kind === "open") return { committed: null, seen: await look(machine, passphrase) };
  return { committed: await commit(machine, command, passphrase, id), seen: null };
}

async function look(machine: Machine, passphrase: string): Promise<Seen> {
  const { manifest, bundle } = await machine.open(passphrase);
  return { gen: manifest.gen, secrets: secretsOf(bundle.items) };
}

async function commit(
  machine: Machine,
  command: Exclude<Command, { kind: "open" }>,
  passphrase: string,
  id: string,
): Promise<Committed | null> {
  const request = { by: passphrase, actor: { user: id, host: "soak", tool: "vsync/test" }, note: id };
  switch (command.kind) {
    case "push":
      return (await machine.push(command.secrets, request)).committed;
    case "set":
      return (await machine.set(command.secrets, request)).committed;
    case "unset":
      return (await machine.unset(command.names, request)).committed;
    case "rotate": {
      const grace = command.graceMs === undefined ? {} : { graceMs: command.graceMs };
      return (await machine.rotate(passphrase, command.to, { ...request, ...grace })).committed;
    }
    case "finish":
      return (await machine.finish(request)).committed;
    case "restore":
      return (await machine.restore(command.gen, { ...request, oldPassphrase: command.passphraseThen })).committed;
    case "gc":
      return (await machine.gc({ ...request, keep: command.keep })).committed;
    case "reconcile":
      await machine.reconcile(request);
      return null;
    default:
      return assert.fail(command satisfies never);
  }
}
