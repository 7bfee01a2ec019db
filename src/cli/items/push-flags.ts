import { Flags, JSON_FLAG, NOTE_FLAG } from "../command/flags.ts";

export const PUSH_FLAGS = {
  from: Flags.string({ description: "dotenv file, - for stdin (default: `.env.<env>`)", helpValue: "<file>" }),
  file: Flags.string({
    description: "binary file to store under a name",
    helpValue: "<name>=<path>",
    multiple: true,
  }),
  yes: Flags.boolean({ char: "y", description: "remove without asking" }),
  "allow-empty": Flags.boolean({ description: "let an empty input empty the vault" }),
  ...NOTE_FLAG,
  ...JSON_FLAG,
};
