import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type YAMLMap } from 'yaml';
import type { Finding } from './finding.ts';

/** A text of YAML with its place in a file, so that whatever is found in it can be pointed at. */
export class YamlSource {
  readonly file: string;
  readonly findings: Finding[];
  readonly documents: (Node | null)[];
  readonly #lines = new LineCounter();
  readonly #firstLine: number;

  /** @param firstLine line in the file at which the text begins: more than 1 for a text inside of another document. */
  constructor(text: string, file: string, findings: Finding[], firstLine = 1) {
    this.file = file;
    this.findings = findings;
    this.#firstLine = firstLine;
    const parsed = parseAllDocuments(this.#withoutTabs(text), { lineCounter: this.#lines, uniqueKeys: true, prettyErrors: false });
    this.documents = [];
    for (const document of Array.isArray(parsed) ? parsed : []) {
      for (const error of document.errors) this.add('lost', error.pos[0], `not readable as YAML: ${error.message.split('\n')[0]}`);
      this.documents.push(document.errors.length > 0 ? null : document.contents);
    }
  }

  add(level: Finding['level'], at: Node | number | undefined, message: string): void {
    const offset = typeof at === 'number' ? at : at?.range?.[0];
    this.findings.push({ level, file: this.file, ...(offset === undefined ? {} : { line: this.line(offset) }), message });
  }

  line(offset: number): number {
    return this.#lines.linePos(offset).line + this.#firstLine - 1;
  }

  /**
   * YAML forbids tabs in indentation, and people paste them all the same. A tab is read as reaching the next multiple of two columns behind the
   * deepest indentation of the lines around it that has none; the line is reported.
   */
  #withoutTabs(text: string): string {
    return text
      .split('\n')
      .map((line, index) => {
        const indent = /^[ \t]*/.exec(line)?.[0] ?? '';
        if (!indent.includes('\t')) return line;
        const spaces = indent.replaceAll('\t', '  ');
        if (line.trim() !== '') {
          const message = `tab characters in the indentation, which YAML does not allow; each was read as two spaces`;
          this.findings.push({ level: 'changed', file: this.file, line: index + this.#firstLine, message });
        }
        return spaces + line.slice(indent.length);
      })
      .join('\n');
  }
}

/** Reads a mapping key by key, and reports what nobody asked for: nothing is dropped in silence. */
export class MapReader {
  readonly #source: YamlSource;
  readonly #map: YAMLMap;
  readonly #what: string;
  readonly #read = new Set<string>();

  constructor(source: YamlSource, map: YAMLMap, what: string) {
    this.#source = source;
    this.#map = map;
    this.#what = what;
  }

  static of(source: YamlSource, node: unknown, what: string): MapReader | undefined {
    if (isMap(node)) return new MapReader(source, node, what);
    source.add('lost', node as Node | undefined, `${what}: a mapping was expected here`);
    return undefined;
  }

  get node(): YAMLMap {
    return this.#map;
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  /** The value's node, for pointing at. */
  at(key: string): Node | undefined {
    this.#read.add(key);
    const node = this.#map.get(key, true) as Node | undefined;
    return isAlias(node) ? undefined : node;
  }

  string(key: string): string | undefined {
    const node = this.at(key);
    if (node === undefined || (isScalar(node) && node.value === null)) return undefined;
    if (isScalar(node)) return String(node.value);
    this.#wrong(key, node, 'text');
    return undefined;
  }

  number(key: string): number | undefined {
    const text = this.string(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    this.#wrong(key, this.at(key), 'a number');
    return undefined;
  }

  boolean(key: string): boolean | undefined {
    const text = this.string(key);
    if (text === undefined) return undefined;
    if (text === 'true' || text === 'false') return text === 'true';
    this.#wrong(key, this.at(key), 'true or false');
    return undefined;
  }

  /** Text items of a list. */
  strings(key: string): string[] {
    return this.#items(key).flatMap(node => {
      if (isScalar(node)) return [String(node.value)];
      this.#wrong(key, node, 'text');
      return [];
    });
  }

  /** Mappings of a list. */
  maps(key: string, what: string): MapReader[] {
    return this.#items(key).flatMap(node => MapReader.of(this.#source, node, what) ?? []);
  }

  map(key: string, what: string): MapReader | undefined {
    const node = this.at(key);
    return node === undefined ? undefined : MapReader.of(this.#source, node, what);
  }

  /** Every pair of a mapping of texts. */
  entries(): [string, string][] {
    return this.#map.items.flatMap(pair => {
      const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
      const value = this.string(key);
      return value === undefined ? [] : [[key, value]];
    });
  }

  /** Reports every key that was not read, with its line. */
  reportRest(why = 'is not known and was not carried over'): void {
    for (const pair of this.#map.items) {
      const key = String(isScalar(pair.key) ? pair.key.value : pair.key);
      if (!this.#read.has(key)) this.#source.add('lost', pair.key as Node, `${this.#what}: ${key} ${why}`);
    }
  }

  lost(key: string, message: string): void {
    this.#source.add('lost', this.at(key) ?? this.#map, `${this.#what}: ${message}`);
  }

  changed(key: string, message: string): void {
    this.#source.add('changed', this.at(key) ?? this.#map, `${this.#what}: ${message}`);
  }

  #items(key: string): Node[] {
    const node = this.at(key);
    if (node === undefined || (isScalar(node) && node.value === null)) return [];
    if (isSeq(node)) return node.items as Node[];
    this.#wrong(key, node, 'a list');
    return [];
  }

  #wrong(key: string, node: Node | undefined, expected: string): void {
    this.#source.add('lost', node ?? this.#map, `${this.#what}: ${key} is not ${expected} and was not carried over`);
  }
}
