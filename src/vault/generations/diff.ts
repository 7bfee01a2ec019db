import { InputError } from "../../errors.ts";
import { type OlderHolder, openGeneration } from "../audit/older-generation.ts";
import type { Manifest } from "../format/manifest.ts";
import { type Changes, compareItems, type NamedData } from "../items/changes.ts";
import { type OpenRequest, openManifest, type ReadPorts } from "../open/open-manifest.ts";

export interface DiffRequest extends OpenRequest {
  /** Default: the one before `toGen`. */
  readonly fromGen?: number | undefined;
  /** Default: the newest generation. */
  readonly toGen?: number | undefined;
  readonly olderHolder: OlderHolder;
}

export interface Diff {
  readonly manifest: Manifest;
  readonly fromGen: number;
  readonly toGen: number;
  readonly before: readonly NamedData[];
  readonly after: readonly NamedData[];
  /** The changes from one generation to the other, by name. */
  readonly changes: Changes;
}

/**
 * Compares the items of two generations, both decrypted in memory.
 *
 * @throws InputError `toGen` is 1 and `fromGen` is missing
 * @throws what `openManifest` and `openGeneration` throw
 */
export async function diffGenerations(ports: ReadPorts, request: DiffRequest): Promise<Diff> {
  const { manifest } = await openManifest(ports, request);
  const { toGen = manifest.gen, fromGen = toGen - 1 } = request;
  if (request.fromGen === undefined && toGen === 1) {
    throw new InputError("generation 1 is the first: no other comes before it", {
      hint: `vsync list ${manifest.env} shows its names`,
    });
  }
  const { items: before } = await openGeneration(ports.store, manifest, { ...request, gen: fromGen });
  const { items: after } = await openGeneration(ports.store, manifest, { ...request, gen: toGen });
  return { manifest, fromGen, toGen, before, after, changes: compareItems(before, after) };
}
