import { Flags } from "../command/flags.ts";

const KEYS = { helpValue: "<key>,<key>", multiple: true, delimiter: "," } as const;

/** Which of the vault's names are handed over. */
export const SELECTION_FLAGS = {
  only: Flags.string({
    description: "only these, by their names in the vault (comma-separated)",
    ...KEYS,
    exclusive: ["except"],
  }),
  except: Flags.string({ description: "all but these", ...KEYS }),
};
