/* SPDX-License-Identifier: Apache-2.0 */
/* The sources want a file of this name; nothing of what configure would write into it matters to those that are built here. */
