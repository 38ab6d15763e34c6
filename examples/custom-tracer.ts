import { defineTracer } from 'vcon-otel';

export default defineTracer({
  create: () => ({ trace: (vconUuid, event) => console.log(event, vconUuid) }),
});
