import { completionScript, SHELLS } from "../cli/completion/script.ts";
import { BaseCommand, type Invocation } from "../cli/program/base-command.ts";
import { choiceArg } from "../cli/program/flags.ts";

export class Completion extends BaseCommand {
  static override summary = "Print completions for bash, zsh or fish";
  static override description =
    `The shell then completes commands, flags, their values, the envs that this machine has a config for, and the names in
\`.env.<env>\` of the folder: never a value, and no store is asked. bash reads it from a file, or at once by
\`source <(vsync completion bash)\` in .bashrc; zsh from a folder that is in fpath before compinit.`;
  static override examples = [
    "<%= config.bin %> completion bash > ~/.local/share/bash-completion/completions/vsync",
    "<%= config.bin %> completion zsh > ~/.zfunc/_vsync",
    "<%= config.bin %> completion fish > ~/.config/fish/completions/vsync.fish",
  ];
  static override args = { shell: choiceArg("shell that is to complete", SHELLS) };

  protected override async execute({ args }: Invocation<typeof Completion>): Promise<void> {
    this.output.raw(completionScript(args.shell));
  }
}
