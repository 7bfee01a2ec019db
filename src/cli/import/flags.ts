import { Flags, JSON_FLAG, NOTE_FLAG } from "../command/flags.ts";
import { IMPORT_FORMATS } from "./read-import.ts";

export const IMPORT_FLAGS = {
  from: Flags.string({
    description: "file, folder of secret files, or - for stdin",
    helpValue: "<path>",
    required: true,
  }),
  format: Flags.option({
    options: IMPORT_FORMATS,
    description: "what the input is, where its name and content leave it open",
  })(),
  replace: Flags.boolean({ description: "make it the vault's whole content: what is not in it goes" }),
  yes: Flags.boolean({ char: "y", description: "with --replace: remove without asking" }),
  "dry-run": Flags.boolean({ description: "show what would change, and write nothing" }),
  ...NOTE_FLAG,
  ...JSON_FLAG,
};
