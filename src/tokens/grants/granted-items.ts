import type { Claims } from "../claims.ts";
import { Layer } from "./evaluate.ts";
import { Properties } from "./filter.ts";

/** The items that claims are evaluated on, and their vault. */
export interface GrantedFrom {
  readonly repo: string;
  readonly env: string;
  /** In the order of the index. */
  readonly items: readonly { readonly name: string; readonly kind: string }[];
}

/** What a commit gives a token. */
export interface GrantedItems {
  /** Whether it reads everything, including items added later; the slot then holds the root key. */
  readonly root: boolean;
  /** Whether it may open the box `verify`. */
  readonly verifyKey: boolean;
  /** The names that may be read, in the order of the index. */
  readonly items: readonly string[];
}

type Limits = { readonly [Name in "permissions" | "grants"]?: Claims[Name] | undefined };

/** Evaluates grants on the items of one generation, as every commit does. */
export async function grantedItems({ permissions, grants }: Limits, from: GrantedFrom): Promise<GrantedItems> {
  const layer = await new Layer("stored", { permissions, grants }).prepare();
  const verifyKey = layer.has("api.tokens.verify");
  const mayRead = layer.has("secrets.items.read");
  const request = { workspace: from.repo, project: `${from.repo}/${from.env}` };
  const readable = from.items.filter(({ name, kind }) => {
    return mayRead && layer.matching("secrets read", request, new Properties({ name, kind }))?.length !== 0;
  });
  return { root: mayRead && grants === undefined, verifyKey, items: readable.map(({ name }) => name) };
}
