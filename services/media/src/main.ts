import { runService } from '@tertulia/shared/runtime/service';
import { mediaService } from './service.ts';

await runService(mediaService, process.env);
