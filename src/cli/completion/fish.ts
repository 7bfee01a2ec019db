export const FISH_COMPLETION = `# vsync: completions for fish
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
