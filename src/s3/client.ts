import { S3Client } from "@aws-sdk/client-s3";
import type { S3Limits } from "./options.ts";
import { connectingAgents, type S3Location, wantsPathStyle } from "./options.ts";

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

export function createClient(location: S3Location, limits: S3Limits): S3Client {
  return new S3Client({
    endpoint: location.endpoint,
    region: location.region,
    forcePathStyle: wantsPathStyle(location),
    ...credentialsOf(location),
    // A second try of a conditional write would meet the first one's work: every try is ours, see write.ts.
    maxAttempts: 1,
    // R2, B2 and others refuse the checksums that the SDK adds by default
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Else the SDK quietly corrects from the second request on what the first one reports.
    disableClockSkewCorrection: true,
    // Servers that do not answer it cost seconds.
    expectContinueHeader: false,
    // The endpoint decides, not what this machine's AWS configuration says.
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    // Each of these is looked up in ~/.aws/config otherwise, and a container may have no home to look in.
    retryMode: "standard",
    defaultsMode: "standard",
    disableS3ExpressSessionAuth: false,
    authSchemePreference: [],
    userAgentAppId: async () => undefined,
    logger: SILENT,
    requestHandler: { ...connectingAgents(limits.connectTimeoutMs), logger: SILENT },
  });
}

function credentialsOf({ credentials }: S3Location) {
  if (credentials === "ambient") return {};
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    credentials: async () => ({
      accessKeyId,
      secretAccessKey: secretAccessKey.exposeText(),
      ...(sessionToken && { sessionToken: sessionToken.exposeText() }),
    }),
  };
}
