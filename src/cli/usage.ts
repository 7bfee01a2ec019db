interface Usage {
  readonly args: Readonly<Record<string, { readonly required?: boolean; readonly multiple?: boolean }>>;
  readonly takesCommandLine: boolean;
}

/** What may follow a command's name: `KEY [OTHER] [flags]`. */
export function usageOf({ args, takesCommandLine }: Usage): string {
  const words = Object.entries(args).map(([name, { required, multiple }]) => {
    const word = `${name.toUpperCase()}${multiple ? "…" : ""}`;
    return required ? word : `[${word}]`;
  });
  return [...words, "[flags]", ...(takesCommandLine ? ["-- COMMAND…"] : [])].join(" ");
}
