/**
 * How AWS's partitions differ. Source: `partitions.json` of the AWS SDKs. The tests check the names built from this,
 * not that AWS answers there.
 */
interface Partition {
  readonly regions: RegExp;
  /** The name in ARNs. */
  readonly name: string;
  readonly domain: string;
}

const AWS: Partition = { regions: /^/, name: "aws", domain: "amazonaws.com" };

const PARTITIONS: readonly Partition[] = [
  { regions: /^cn-/, name: "aws-cn", domain: "amazonaws.com.cn" },
  { regions: /^us-gov-/, name: "aws-us-gov", domain: "amazonaws.com" },
  { regions: /^eusc-/, name: "aws-eusc", domain: "amazonaws.eu" },
  { regions: /^us-iso-/, name: "aws-iso", domain: "c2s.ic.gov" },
  { regions: /^us-isob-/, name: "aws-iso-b", domain: "sc2s.sgov.gov" },
  { regions: /^eu-isoe-/, name: "aws-iso-e", domain: "cloud.adc-e.uk" },
  { regions: /^us-isof-/, name: "aws-iso-f", domain: "csp.hci.ic.gov" },
  AWS,
];

const DOMAINS = [...PARTITIONS.map(({ domain }) => domain), "api.aws"];

/** The partition's name in ARNs: `aws`, `aws-cn`. */
export function partitionOf(region: string): string {
  return partition(region).name;
}

export interface EndpointVariant {
  readonly fips?: boolean;
  readonly dualStack?: boolean;
}

/** AWS's endpoint of a region: `https://s3.eu-west-1.amazonaws.com`. */
export function awsEndpoint(region: string, { fips = false, dualStack = false }: EndpointVariant = {}): string {
  return `https://s3${fips ? "-fips" : ""}${dualStack ? ".dualstack" : ""}.${region}.${partition(region).domain}`;
}

export function isAwsHost(hostname: string): boolean {
  return DOMAINS.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
}

function partition(region: string): Partition {
  return PARTITIONS.find(({ regions }) => regions.test(region)) ?? AWS;
}
