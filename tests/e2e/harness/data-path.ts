/**
 * Who moves the packets in this run: with `WG_WRAP_PUMP=off` in its environment every tunnel is started so,
 * but for those of tests that say themselves how.
 */
export const DATA_PATH: 'pump' | 'typescript' =
  process.env['WG_WRAP_PUMP'] === 'off' ? 'typescript' : 'pump';
