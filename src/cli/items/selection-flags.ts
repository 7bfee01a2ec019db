import { Flags } from "../program/flags.ts";

const KEYS = { helpValue: "<key>,<key>", multiple: true, delimiter: "," } as const;

/** Which of the vault's names are handed over. */
export const SELECTION_FLAGS = {
  only: Flags.string({
    description: "hand over these alone, by their names in the vault (commas between)",
    ...KEYS,
    exclusive: ["except"],
  }),
  except: Flags.string({ description: "hand over all but these", ...KEYS }),
};
