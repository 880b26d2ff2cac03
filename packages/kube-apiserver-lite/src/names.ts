/** The rules that names obey, each returning what is wrong in Kubernetes' words (`k8s.io/apimachinery/pkg/util/validation`). */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const DNS1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

const LABEL_RE = whole(LABEL);
const SUBDOMAIN_RE = whole(SUBDOMAIN);
const QUALIFIED_RE = whole(QUALIFIED);
const LABEL_VALUE_RE = whole(LABEL_VALUE);
const DNS1035_RE = whole(DNS1035);

/** `validation.RegexError`. */
function regexError(message: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example, i) => `${i === 0 ? '' : ' or '}'${example}', `).join('');
  return `${message} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

export const maxLengthError = (length: number): string => `must be no more than ${length} bytes`;

/** RFC 1123 label: at most 63 bytes. */
export function dns1123Label(value: string): string[] {
  const wrong: string[] = [];
  if (Buffer.byteLength(value) > 63) wrong.push(maxLengthError(63));
  if (!LABEL_RE.test(value)) {
    wrong.push(
      regexError(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
        LABEL,
        'my-name',
        '123-abc',
      ),
    );
  }
  return wrong;
}

/** RFC 1123 subdomain: at most 253 bytes. */
export function dns1123Subdomain(value: string): string[] {
  const wrong: string[] = [];
  if (Buffer.byteLength(value) > 253) wrong.push(maxLengthError(253));
  if (!SUBDOMAIN_RE.test(value)) {
    wrong.push(
      regexError(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        SUBDOMAIN,
        'example.com',
      ),
    );
  }
  return wrong;
}

/** RFC 1035 label: at most 63 bytes, beginning with a letter. */
export function dns1035Label(value: string): string[] {
  const wrong: string[] = [];
  if (Buffer.byteLength(value) > 63) wrong.push(maxLengthError(63));
  if (!DNS1035_RE.test(value)) {
    wrong.push(
      regexError(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        DNS1035,
        'my-name',
        'abc-123',
      ),
    );
  }
  return wrong;
}

/** `[prefix/]name`: keys of labels and annotations, load balancer classes, finalizers. */
export function qualifiedName(value: string): string[] {
  const parts = value.split('/');
  const wrong: string[] = [];
  let name = parts[0] ?? '';
  if (parts.length === 2) {
    const [prefix = ''] = parts;
    name = parts[1] ?? '';
    if (prefix === '') wrong.push('prefix part must be non-empty');
    else wrong.push(...dns1123Subdomain(prefix).map(text => `prefix part ${text}`));
  } else if (parts.length > 2) {
    const text = regexError(
      "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      QUALIFIED,
      'MyName',
      'my.name',
      '123-abc',
    ).replace('a valid label key', 'a qualified name');
    return [`${text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  if (name === '') wrong.push('name part must be non-empty');
  else if (Buffer.byteLength(name) > 63) wrong.push(`name part ${maxLengthError(63)}`);
  if (!QUALIFIED_RE.test(name)) {
    wrong.push(
      `name part ${regexError(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        QUALIFIED,
        'MyName',
        'my.name',
        '123-abc',
      )}`,
    );
  }
  return wrong;
}

/** A label's value: at most 63 bytes, may be empty. */
export function labelValue(value: string): string[] {
  const wrong: string[] = [];
  if (Buffer.byteLength(value) > 63) wrong.push(maxLengthError(63));
  if (!LABEL_VALUE_RE.test(value)) {
    wrong.push(
      regexError(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        LABEL_VALUE,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  }
  return wrong;
}

/** A port's name (IANA_SVC_NAME): at most 15 characters with a letter among them. */
export function portName(value: string): string[] {
  const wrong: string[] = [];
  if (value.length > 15) wrong.push('must be no more than 15 characters long');
  if (!/^[-a-z0-9]+$/.test(value)) wrong.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) wrong.push('must contain at least one letter (a-z)');
  if (value.includes('--')) wrong.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) wrong.push('must not begin or end with a hyphen');
  return wrong;
}

/** A port number. */
export const portNumber = (value: number): string[] =>
  Number.isInteger(value) && value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
