import { HOUR_MS, OLD } from "../../test/support/world.ts";
import type { Dice } from "./dice.ts";
import type { Command, Model } from "./model.ts";

const WEIGHTS = { push: 3, set: 6, unset: 2, rotate: 2, finish: 1, restore: 1, gc: 1, reconcile: 2, open: 6 } as const;
const NAMES = ["DATABASE_URL", "API_KEY", "SESSION_SECRET", "SMTP_URL", "QUEUE_URL", "FEATURE_FLAGS"];

export interface Assignment {
  /** Its note in the audit log. */
  readonly id: string;
  readonly command: Command;
  readonly passphrase: string;
  /** The offset of this machine's clock from the others'. */
  readonly skewMs: number;
  /** The request that meets a fault, from 0, or null. */
  readonly faultAt: number | null;
}

/** Plans the next command of somebody who knows the current vault. */
export function assign(dice: Dice, model: Model, id: string): Assignment {
  const isFirst = model.generations.length === 0;
  const kind = isFirst ? "push" : dice.weighted(WEIGHTS);
  return {
    id,
    command: commandOf(dice, model, kind, id),
    passphrase: isFirst ? OLD : passphraseOf(dice, model),
    skewMs: dice.between(-30_000, 30_000),
    faultAt: !isFirst && dice.isLucky(0.4) ? dice.between(0, 11) : null,
  };
}

/** Usually the passphrase that writes; sometimes one that only reads or was rotated away. */
function passphraseOf(dice: Dice, { current, generations }: Model): string {
  if (dice.isLucky(0.9)) return current.passphrase;
  const reader = current.readers[0];
  return reader !== undefined && dice.isLucky(0.7) ? reader.passphrase : dice.pick(generations.slice(-20)).passphrase;
}

function commandOf(dice: Dice, model: Model, kind: Command["kind"], id: string): Command {
  const { current } = model;
  switch (kind) {
    case "push":
      return { kind, secrets: secretsOf(dice, id, dice.between(0, 6)) };
    case "set":
      return { kind, secrets: secretsOf(dice, id, dice.between(1, 3)) };
    case "unset":
      return { kind, names: [dice.pick([...Object.keys(current.secrets), dice.pick(NAMES)])] };
    case "rotate": {
      const graceMs = dice.between(1, 40) * (HOUR_MS / 60);
      return { kind, to: `the passphrase of ${id}`, ...(dice.isLucky(0.6) ? { graceMs } : {}) };
    }
    case "restore": {
      const gen = dice.between(Math.max(1, current.gen - 12), Math.max(1, current.gen - 1));
      return { kind, gen, passphraseThen: model.at(gen).passphrase };
    }
    case "gc":
      return { kind, keep: dice.between(2, 15) };
    case "finish":
    case "reconcile":
    case "open":
      return { kind };
    default:
      return kind satisfies never;
  }
}

function secretsOf(dice: Dice, id: string, count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, () => [dice.pick(NAMES), `set by ${id}`]));
}
