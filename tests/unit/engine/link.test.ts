import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Link } from '../../../src/engine/link.ts';

/** A link, and what it has said. */
function listen(): { readonly link: Link; readonly heard: readonly string[] } {
  const heard: string[] = [];
  const link = new Link({
    onUp: () => {
      heard.push('up');
    },
    onDown: () => {
      heard.push('down');
    },
  });
  return { link, heard };
}

test('a link that is up is so at once', () => {
  const { link, heard } = listen();
  link.wentUp();
  expect(heard).toEqual(['up']);
});

test('a link that goes down is down before anything else is heard', async () => {
  const { link, heard } = listen();
  link.wentUp();
  link.wentDown();
  await turn();
  expect(heard).toEqual(['up', 'down']);
  link.wentUp();
  expect(heard).toEqual(['up', 'down', 'up']);
});

test('a link that is up again by the time that it is told of has not been down', async () => {
  const { link, heard } = listen();
  link.wentUp();
  link.wentDown();
  link.wentUp();
  await turn();
  expect(heard).toEqual(['up']);
  link.wentDown();
  await turn();
  expect(heard).toEqual(['up', 'down']);
});
