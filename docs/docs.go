// Package docs holds the pages that explain badgateway. Its tests run the commands that they show, and compute their numbers.
package docs
