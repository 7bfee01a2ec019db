import { AccessDeniedError, S3UnreachableError } from "../../errors.ts";
import type { ObjectStore } from "../../ports.ts";

/** How to tell that a removal was cut short. */
export interface Removal {
  /** What stands by then, such as `generation 5 is committed; `; or empty. */
  readonly done: string;
  /** What the keys name, such as `bundles`. */
  readonly what: string;
  /** The command that removes the rest, such as `vsync gc`. */
  readonly command: string;
}

/**
 * Removes objects, one after the other.
 *
 * @throws AccessDeniedError, S3UnreachableError a removal fails; the message says how many are left
 */
export async function removeAll(store: ObjectStore, keys: readonly string[], removal: Removal): Promise<void> {
  const { done, what } = removal;
  for (const [gone, key] of keys.entries()) {
    await store.delete(key).catch((error: unknown) => {
      throw cutShort(error, `${done}${keys.length - gone} of ${keys.length} ${what} are left`, removal);
    });
  }
}

/** The same failure; its message also says what has been done and what is left. */
function cutShort(error: unknown, progress: string, { command }: Removal): unknown {
  const again = `run the same ${command} again: it removes the rest`;
  if (error instanceof AccessDeniedError) {
    const hint = `let this key delete (\`vsync policy --role=operator\` prints what it needs), then ${again}`;
    return new AccessDeniedError(`${progress}: ${error.message}`, { hint });
  }
  if (!(error instanceof S3UnreachableError)) return error;
  return new S3UnreachableError(`${progress}: ${error.message}`, { hint: `once the store answers, ${again}` });
}
