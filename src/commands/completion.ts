import { BaseCommand, type Invocation } from "../cli/command/base-command.ts";
import { choiceArg } from "../cli/command/flags.ts";
import { completionScript, SHELLS } from "../cli/completion/scripts.ts";

export class Completion extends BaseCommand {
  static override summary = "Print completions for bash, zsh or fish";
  static override description =
    `Your shell then completes commands, flags and their values, the envs that this machine has a config for, and the names in
the folder's \`.env.<env>\`. It never shows a secret's value and asks no store. bash reads the script from a file, or with
\`source <(vsync completion bash)\` in .bashrc; zsh from a folder that is in fpath before compinit runs.`;
  static override examples = [
    "<%= config.bin %> completion bash > ~/.local/share/bash-completion/completions/vsync",
    "<%= config.bin %> completion zsh > ~/.zfunc/_vsync",
    "<%= config.bin %> completion fish > ~/.config/fish/completions/vsync.fish",
  ];
  static override args = { shell: choiceArg("your shell", SHELLS) };

  protected override async execute({ args }: Invocation<typeof Completion>): Promise<void> {
    this.output.raw(completionScript(args.shell));
  }
}
