import assert from "node:assert/strict";
import { type Secrets } from "../../test/support/world.ts";

/** A command with its complete input, independent of the person who runs it. */
export type Command =
  | { readonly kind: "push"; readonly secrets: Secrets }
  | { readonly kind: "set"; readonly secrets: Secrets }
  | { readonly kind: "unset"; readonly names: readonly string[] }
  | { readonly kind: "rotate"; readonly to: string; readonly graceMs?: number }
  | { readonly kind: "finish" }
  | { readonly kind: "restore"; readonly gen: number; readonly passphraseThen: string }
  | { readonly kind: "gc"; readonly keep: number }
  | { readonly kind: "reconcile" }
  | { readonly kind: "open" };

interface Reader {
  readonly passphrase: string;
  readonly notAfterMs: number;
}

/** A vault as its users see it. */
export interface Generation {
  readonly gen: number;
  readonly secrets: Secrets;
  /** The passphrase that writes. */
  readonly passphrase: string;
  readonly readers: readonly Reader[];
}

const NOTHING: Generation = { gen: 0, secrets: {}, passphrase: "", readers: [] };

/** A vault without cryptography, stores or faults: each commit is a function of the generation before. */
export class Model {
  readonly generations: Generation[] = [];

  get current(): Generation {
    return this.generations.at(-1) ?? NOTHING;
  }

  at(gen: number): Generation {
    return this.generations[gen - 1] ?? assert.fail(`no generation ${gen}`);
  }

  /** Applies a command to the newest generation, by its user's clock. `by` is the passphrase given. */
  commit(command: Command, by: string, nowMs: number): Generation {
    const { current } = this;
    // The next commit drops readers whose window has ended.
    const readers = current.readers.filter(({ notAfterMs }) => notAfterMs > nowMs);
    const next = { ...current, gen: current.gen + 1, passphrase: by, readers };
    const made = { ...next, ...this.#changed(command, by, nowMs) };
    this.generations.push(made);
    return made;
  }

  #changed(command: Command, by: string, nowMs: number): Partial<Generation> {
    const { secrets } = this.current;
    switch (command.kind) {
      case "push":
        return { secrets: command.secrets };
      case "set":
        return { secrets: { ...secrets, ...command.secrets } };
      case "unset":
        return { secrets: without(secrets, command.names) };
      case "rotate":
        return { passphrase: command.to, readers: graceOf(by, command.graceMs, nowMs) };
      case "finish":
        return { readers: [] };
      case "restore":
        return { secrets: this.at(command.gen).secrets };
      case "gc":
        return {};
      case "reconcile":
      case "open":
        return assert.fail(`${command.kind} commits nothing`);
      default:
        return command satisfies never;
    }
  }

  /** The result of opening by the reader's clock: the generation, or the error's class. */
  sight(passphrase: string, nowMs: number): Generation | "PassphraseRetiredError" | "WrongPassphraseError" {
    const { current } = this;
    if (passphrase === current.passphrase) return current;
    const reader = current.readers.find((it) => it.passphrase === passphrase);
    if (reader === undefined) return "WrongPassphraseError";
    return nowMs < reader.notAfterMs ? current : "PassphraseRetiredError";
  }
}

function graceOf(passphrase: string, graceMs: number | undefined, nowMs: number): Reader[] {
  return graceMs === undefined ? [] : [{ passphrase, notAfterMs: nowMs + graceMs }];
}

function without(secrets: Secrets, names: readonly string[]): Secrets {
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => !names.includes(name)));
}
