import { decodeToken } from "../../src/blob/token.ts";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sha256Hex } from "../../src/crypto/digest.ts";
import { Secret } from "../../src/crypto/secret.ts";
import { importSigningKey } from "../../src/crypto/signing.ts";
import { credentialOf, expectationOf, holderOf } from "../../src/stores/token.ts";
import { verifyAudit } from "../../src/vault/audit/chain.ts";
import { openGeneration } from "../../src/vault/audit/older-generation.ts";
import { openForCommit } from "../../src/vault/commit/open-for-commit.ts";
import { encodeAuditRow } from "../../src/vault/format/audit-row.ts";
import type { Item } from "../../src/vault/format/item.ts";
import { parseManifest } from "../../src/vault/format/manifest.ts";
import { auditKey } from "../../src/vault/format/object-keys.ts";
import { openVault } from "../../src/vault/open/open.ts";
import { openBundle } from "../../src/vault/open/open-bundle.ts";
import {
  type OpenedManifest,
  type OpenRequest,
  openManifest,
  type ReadPorts,
} from "../../src/vault/open/open-manifest.ts";
import { openPassphraseSlot } from "../../src/vault/unlock/passphrase-entry.ts";
import { PassphraseHolder, ReadOnlyPassphraseError } from "../../src/vault/unlock/passphrase-holder.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { bytesOf, inFormOf } from "./bytes.ts";
import type { Run, VectorBytes } from "./vector.ts";

export interface OpenInput {
  objects: Readonly<Record<string, VectorBytes>>;
  token: string;
  /** The variable `VSYNC_TOKEN`, if set. */
  credential?: string;
  passphrase: string;
  now: string;
}

/** What the input of `openVault` and its kin asks for. */
export async function setUp({ input }: Run<OpenInput>): Promise<{ ports: ReadPorts; request: OpenRequest }> {
  const objects = Object.entries(input.objects).map(([key, bytes]) => [key, bytesOf(bytes)] as const);
  const nowMs = Date.parse(input.now);
  const token = decodeToken(input.token);
  const apart = input.credential === undefined ? null : Secret.ofText(input.credential);
  const opening = credentialOf(token, apart) ?? { kind: "passphrase", secret: Secret.ofText(input.passphrase) };
  return {
    ports: { store: MemoryStore.of(Object.fromEntries(objects)), clock: { nowMs: () => nowMs } },
    request: { holder: await holderOf(token, opening), expect: expectationOf(token) },
  };
}

async function openedManifest({ ports, request }: Awaited<ReturnType<typeof setUp>>): Promise<OpenedManifest> {
  return openManifest(ports, request);
}

function vaultJson(gen: number, env: string, items: readonly Item[]): unknown {
  const files = items.filter((item) => item.kind === "file");
  const modes = files.filter((file) => file.mode !== undefined);
  return {
    gen,
    env,
    secrets: Object.fromEntries(
      items.filter((item) => item.kind === "secret").map((item) => [item.name, item.data.exposeText()]),
    ),
    files: Object.fromEntries(files.map((file) => [file.name, encodeBase64(file.data.expose())])),
    ...(modes.length === 0 ? {} : { modes: Object.fromEntries(modes.map((file) => [file.name, file.mode])) }),
  };
}

export const VAULT_OPERATIONS = {
  async openBundle({ input, expected }: Run<BundleInput>) {
    const by = { slot: input.slot, seals: input.seals, seed: Secret.ofBytes(bytesOf(input.seed)) };
    const { items } = await openBundle(bytesOf(input.bundle), input, (header) => openPassphraseSlot(header, by));
    const out = (expected as { items?: { data: unknown }[] } | undefined)?.items;
    return {
      items: items.map(({ name, kind, mode, data }, at) => ({
        name,
        kind,
        ...(mode === undefined ? {} : { mode }),
        data: inFormOf(data.expose(), out?.[at]?.data),
      })),
    };
  },

  async openVault(run: Run<OpenInput>) {
    const { ports, request } = await setUp(run);
    const { manifest, bundle } = await openVault(ports, request);
    return vaultJson(manifest.gen, manifest.env, bundle.items);
  },

  async openForCommit(run: Run<OpenInput & MendingInput>) {
    const { ports, request } = await setUp(run);
    const { revoking = [], newSettings = false, leaked = false } = run.input;
    const mending = { revoking: (id: string) => revoking.includes(id), newSettings, leaked };
    try {
      const { vault, signingKey } = await openForCommit(ports, { ...request, mending });
      const expected = run.expected as { pkcs8?: unknown } | undefined;
      return { signer: vault.manifest.signer, pkcs8: inFormOf(signingKey.exportPkcs8(), expected?.pkcs8) };
    } catch (error) {
      if (error instanceof ReadOnlyPassphraseError) return { readOnlyUntil: error.readOnlyUntil };
      throw error;
    }
  },

  async manifestChain({ input }: Run<{ manifests: readonly VectorBytes[] }>) {
    const manifests = input.manifests.map((bytes) => bytesOf(bytes));
    const sha256 = manifests.map(sha256Hex);
    const parsed = manifests.map((bytes) => parseManifest(bytes).manifest);
    const broken = parsed.findIndex((manifest, at) => manifest.prev !== sha256[at - 1]);
    if (broken !== -1) throw new TypeError(`manifest ${broken} does not link to the one before`);
    return { sha256, gens: parsed.map((manifest) => manifest.gen) };
  },

  async auditRow({ input, expected }: Run<RowInput>) {
    const { manifest } = parseManifest(bytesOf(input.manifest));
    const row = encodeAuditRow(manifest, importSigningKey(bytesOf(input.signingKey)));
    if (input.previousRow !== undefined && sha256Hex(bytesOf(input.previousRow)) !== manifest.audit?.sha256) {
      throw new TypeError("the manifest does not name the previous row");
    }
    return { key: auditKey(manifest.gen), row: inFormOf(row, (expected as { row?: unknown } | undefined)?.row) };
  },

  async verifyAudit(run: Run<OpenInput>) {
    const set = await setUp(run);
    const { manifest } = await openedManifest(set);
    const { rows, outstanding } = await verifyAudit(set.ports.store, manifest);
    return { rows: rows.length, outstanding };
  },

  async openGeneration(run: Run<OpenInput & { gen: number; passphraseThen: string }>) {
    const set = await setUp(run);
    const { manifest } = await openedManifest(set);
    const { gen } = run.input;
    const holder = new PassphraseHolder(Secret.ofText(run.input.passphraseThen));
    const { items } = await openGeneration(set.ports.store, manifest, { gen, holder });
    return vaultJson(gen, manifest.env, items);
  },
};

interface MendingInput {
  revoking?: readonly string[];
  newSettings?: boolean;
  leaked?: boolean;
}

interface BundleInput {
  bundle: VectorBytes;
  vault: string;
  gen: number;
  slot: string;
  seed: VectorBytes;
  seals: "O" | "R";
}

interface RowInput {
  manifest: VectorBytes;
  signingKey: VectorBytes;
  previousRow?: VectorBytes;
}
