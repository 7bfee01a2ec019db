/** Works from a folder in `fpath`, and sourced after `compinit`. */
export const ZSH_COMPLETION = `#compdef vsync
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
