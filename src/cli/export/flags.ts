import { InputError } from "../../errors.ts";
import { Flags } from "../command/flags.ts";
import { SELECTION_FLAGS } from "../items/selection-flags.ts";
import { checkSecretMetadata, EXPORT_FORMATS, type ExportFormat } from "./formats.ts";

export const EXPORT_FLAGS = {
  format: Flags.option({ options: EXPORT_FORMATS, description: "what to write", required: true })(),
  out: Flags.string({ description: "write this file instead of stdout (mode 0600)", helpValue: "<file>" }),
  ...SELECTION_FLAGS,
  name: Flags.string({ description: "with --format=k8s: name of the Secret", helpValue: "<name>" }),
  namespace: Flags.string({ description: "with --format=k8s: its namespace", helpValue: "<name>" }),
};

export interface ExportFlags {
  readonly format: ExportFormat;
  readonly out?: string | undefined;
  readonly name?: string | undefined;
  readonly namespace?: string | undefined;
}

/** What takes no vault is refused before one is opened. */
export function checkExportFlags({ format, out, name, namespace }: ExportFlags): void {
  if (out === "-" || out === "")
    throw new InputError("--out names a file", { hint: "without --out the result goes to stdout" });
  if (format === "k8s") checkSecretMetadata({ name, namespace });
  else if (name !== undefined || namespace !== undefined) {
    throw new InputError("--name and --namespace are those of a Kubernetes Secret", {
      hint: "leave them out, or give --format=k8s",
    });
  }
}
