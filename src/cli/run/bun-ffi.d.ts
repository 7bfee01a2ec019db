/** The part of bun's foreign function interface that `libc.ts` uses. */
declare module "bun:ffi" {
  type Kind = "i32" | "ptr";
  /** A pointer is a number; addresses on these systems fit into one. */
  type Values = Readonly<Record<Kind, number | null>>;

  interface Declaration {
    readonly args: readonly Kind[];
    readonly returns: Kind;
  }

  type Functions<D extends Readonly<Record<string, Declaration>>> = {
    readonly [name in keyof D]: (...args: Values[Kind][]) => number;
  };

  export function dlopen<const D extends Readonly<Record<string, Declaration>>>(
    library: string,
    declarations: D,
  ): { readonly symbols: Functions<D> };
  export function ptr(memory: NodeJS.TypedArray): number;
  export const read: { readonly i32: (pointer: number) => number };
}
