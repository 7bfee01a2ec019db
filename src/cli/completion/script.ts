import { BASH_COMPLETION } from "./bash.ts";
import { FISH_COMPLETION } from "./fish.ts";
import { ZSH_COMPLETION } from "./zsh.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell is to read, so that it completes vsync's command lines. */
export function completionScript(shell: Shell): string {
  switch (shell) {
    case "bash":
      return BASH_COMPLETION;
    case "zsh":
      return ZSH_COMPLETION;
    case "fish":
      return FISH_COMPLETION;
    default:
      return shell satisfies never;
  }
}
