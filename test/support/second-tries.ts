import type { TestCase, TestModule } from 'vitest/node';

/**
 * A reporter that names, at the end, every test that held at its second try only. In continuous integration a failed test is
 * tried once more: there are thousands of tests, on machines that nobody knows. Whoever is named here is looked at, since it
 * depends on something that it should not.
 */
export default class SecondTries {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tried = modules.flatMap(({ children }) => [...children.allTests()].filter(isFlaky));
    if (tried.length === 0) return;
    console.log(`\nHeld at the second try only: ${tried.length}`);
    for (const test of tried) {
      console.log(`  ${test.module.relativeModuleId} > ${test.fullName}`);
      for (const { message } of test.result().errors ?? []) console.log(`    ${message.split('\n')[0]}`);
    }
  }
}

function isFlaky(test: TestCase): boolean {
  return test.diagnostic()?.flaky === true;
}
