import type { Secret } from "../../crypto/secret.ts";
import { InputError, type PassphraseUndeliveredError } from "../../errors.ts";
import type { Target } from "../config/target.ts";
import type { Output } from "../terminal/output.ts";
import { stdoutFault } from "../terminal/standard-streams.ts";
import { printOrKeep } from "./kept-passphrase.ts";
import type { Delivery } from "./passphrase-delivery.ts";

/**
 * Alone on stdout, once, after the swap. Where stdout takes it no more by then, it is kept in a file.
 *
 * @throws InputError stdout leads nowhere
 */
export function deliverToStdout(target: Target, output: Output): Delivery {
  let prepared: Secret | undefined;
  let failure: PassphraseUndeliveredError | null = null;
  const print = (): void => {
    if (prepared !== undefined) failure = printOrKeep(prepared, target, output);
  };
  refuseLosing();
  return {
    async prepare(passphrase) {
      refuseLosing();
      prepared = passphrase;
    },
    complete: print,
    confirm() {
      if (failure !== null) throw failure;
    },
    fail(mayBeLive) {
      if (!mayBeLive) return;
      print();
      const where = failure === null ? "on stdout" : "in that file";
      output.warn(`what is ${where} may be the passphrase that opens the vault now: keep it until that is known`);
    },
  };
}

function refuseLosing(): void {
  const fault = stdoutFault();
  if (fault === null) return;
  throw new InputError(`the new passphrase would be lost: stdout ${fault}`, {
    hint: "name a file for it with --out=<file>, or let stdout lead to whom it is for",
  });
}
