import { Flags } from "../command/flags.ts";

export const TAIL_FLAG = {
  tail: Flags.integer({
    description: "only this many of the newest; nothing older is fetched",
    helpValue: "<number>",
    min: 1,
  }),
};
