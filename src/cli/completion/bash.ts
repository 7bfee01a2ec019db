/** For bash from 3.2 on, without the bash-completion package. bash splits words at `=`: they are put together again.
 * A file may be named `$(rm *)`: bash from 4.0 on quotes file names where it is told that they are, else `%q` does. */
export const BASH_COMPLETION = `# vsync: completions for bash
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
