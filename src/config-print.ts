import { stringify } from 'yaml';
import { configOptions, loadConfig, valueAt, type LoadedConfig, type Option } from './config.ts';

/** What `rackwright config sample` prints: every option with its default, its description and its other names. */
export function sampleConfig(): string {
  const defaults = loadConfig({ env: {}, flags: {} }).config;
  const lines = ['# Every option of rackwright, with its default. A key is also a variable and a flag:', '#'];
  lines.push('#   admin.port: 9090   =   RACKWRIGHT_ADMIN_PORT=9090   =   --admin-port 9090', '');
  let section = '';
  for (const option of configOptions()) {
    const [head = '', leaf] = option.key.split('.');
    if (leaf !== undefined && head !== section) lines.push(`${head}:`);
    section = leaf === undefined ? '' : head;
    const indent = leaf === undefined ? '' : '  ';
    if (option.description !== undefined) lines.push(`${indent}# ${option.description}`);
    const value = valueAt(defaults, option.key);
    lines.push(value === undefined ? `${indent}# ${leaf ?? head}:` : `${indent}${leaf ?? head}: ${inline(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What `rackwright config show` prints: every value with where it came from; secrets hidden. */
export function showConfig(loaded: LoadedConfig): string {
  const rows = configOptions().map((option) => [
    option.key,
    shown(option, loaded),
    loaded.sources.get(option.key) ?? 'default',
  ]);
  const widths = [0, 1].map((column) => Math.min(48, Math.max(...rows.map((row) => row[column]?.length ?? 0))));
  return `${rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}

function shown(option: Option, loaded: LoadedConfig): string {
  const value = valueAt(loaded.config, option.key);
  if (value === undefined) return '-';
  return option.secret && loaded.sources.has(option.key) ? '(hidden)' : inline(value);
}

function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
}
