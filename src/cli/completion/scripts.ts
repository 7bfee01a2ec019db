export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** The script that makes a shell complete vsync's command lines. */
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

/**
 * For bash 3.2 or newer, without the bash-completion package. bash splits words at `=`, so the script joins them again.
 * A file may be called `$(rm *)`: bash 4 quotes names declared with `compopt -o filenames`, and `%q` quotes the others.
 */
const BASH_COMPLETION = `# vsync: completions for bash
_vsync() {
  local word line file cur left unquoted= count=0
  local -a words
  words=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if ((count)) && [[ $word == "="* || \${words[count - 1]} == *"=" ]]; then
      words[count - 1]+=$word
    else
      words[count]=$word
      count=$((count + 1))
    fi
  done
  cur=\${words[count - 1]}
  left=\${cur%"\${cur##*=}"}
  COMPREPLY=()
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    [[ $word == :programs && $cur == */* ]] && word=:files
    case $word in
      :files | :folders)
        compopt -o filenames 2>/dev/null || unquoted=1
        [[ $COMP_WORDBREAKS == *=* ]] && left=
        while IFS= read -r file; do
          [[ $unquoted ]] && printf -v file %q "$file"
          COMPREPLY+=("$left$file")
        done < <(if [[ $word == :files ]]; then compgen -f -- "\${cur##*=}"; else compgen -d -- "\${cur##*=}"; fi)
        ;;
      :programs)
        while IFS= read -r file; do COMPREPLY+=("$(printf %q "$file")"); done < <(compgen -c -- "$cur")
        ;;
      ?*)
        [[ $word == *= ]] && compopt -o nospace 2>/dev/null
        [[ $COMP_WORDBREAKS == *=* ]] && word=\${word#"$left"}
        COMPREPLY+=("$word")
        ;;
    esac
  done < <(vsync completion words -- "\${words[@]}" 2>/dev/null)
}
complete -F _vsync vsync
`;

/** Works from a folder in `fpath`, and when sourced after `compinit`. */
const ZSH_COMPLETION = `#compdef vsync
# vsync: completions for zsh
_vsync() {
  local line word about
  local -a closed open
  for line in "\${(@f)$(vsync completion words -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}"; do
    word=\${line%%$'\\t'*}
    about=\${line#*$'\\t'}
    case $word in
      :files) compset -P '*='; _files; return ;;
      :folders) compset -P '*='; _files -/; return ;;
      :programs) _command_names -e; return ;;
      *=) open+=("\${word//:/\\\\:}\${about:+:$about}") ;;
      ?*) closed+=("\${word//:/\\\\:}\${about:+:$about}") ;;
    esac
  done
  ((\${#open})) && _describe vsync open -S ''
  ((\${#closed})) && _describe vsync closed
}
if [ "\${funcstack[1]}" = _vsync ]; then
  _vsync "$@"
else
  compdef _vsync vsync
fi
`;

const FISH_COMPLETION = `# vsync: completions for fish
function __vsync_complete
    set -l cur (commandline -ct)
    set -l words (commandline -opc)
    set -l left (string replace -r '[^=]*$' '' -- "$cur")
    set -l right (string replace -r '^.*=' '' -- "$cur")
    for line in (vsync completion words -- $words[2..] "$cur" 2>/dev/null)
        switch $line
            case :files
                printf '%s\\n' $left(__fish_complete_path "$right")
            case :folders
                printf '%s\\n' $left(__fish_complete_directories "$right" '')
            case :programs
                complete -C "$cur"
            case '*'
                printf '%s\\n' $line
        end
    end
end
complete -c vsync -f -a '(__vsync_complete)'
`;
