interface Usage {
  readonly args: Readonly<Record<string, { readonly required?: boolean; readonly multiple?: boolean }>>;
  readonly flags: Readonly<
    Record<
      string,
      { readonly required?: boolean | undefined; readonly helpValue?: string | readonly string[] | undefined }
    >
  >;
  readonly takesCommandLine: boolean;
}

/** What may follow a command's name: `KEY [OTHER] --format=<format> [flags]`. */
export function usageOf({ args, flags, takesCommandLine }: Usage): string {
  const words = Object.entries(args).map(([name, { required, multiple }]) => {
    const word = `${name.toUpperCase()}${multiple ? "…" : ""}`;
    return required ? word : `[${word}]`;
  });
  const required = Object.entries(flags).filter(([, flag]) => flag.required === true);
  const needed = required.map(([name, { helpValue = `<${name}>` }]) => `--${name}=${[helpValue].flat().join(" ")}`);
  return [...words, ...needed, "[flags]", ...(takesCommandLine ? ["-- COMMAND…"] : [])].join(" ");
}
