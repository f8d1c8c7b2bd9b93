/** A part of the server that can be switched on by itself (`--roles`): made in app.ts, started and stopped in order. */
export interface Role {
  readonly name: RoleName;
  start(): Promise<void>;
  /** Takes no new work; resolves when what was under way has ended, or after a limit of its own. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export const roleNames = ['dhcp', 'tftp', 'southbound', 'api', 'worker'] as const;
export type RoleName = (typeof roleNames)[number];
